import { useLayoutEffect, useRef, type RefObject } from 'react';

/** What the page was last drawn with, for listeners that stay: in place before the next key can be pressed on what is seen. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  });
  return latest;
}
