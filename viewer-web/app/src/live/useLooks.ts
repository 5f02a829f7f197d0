import { useEffect, useRef, useState } from 'react';
import { isPassing } from '~/api/http';
import { useLatest } from '~/ui/useLatest';

/** After this long a look that failed is taken up again, as no event may come to ask for it. */
const againMs = 5000;

interface Look {
  /** Whether there is something more to look at. */
  again: boolean;
}

/**
 * Looks at the list of this name once at a time, or on a slow line there would be ever more: what happens meanwhile is
 * looked at by one more. `lookOnce` answers whether there is more to look at.
 */
export function useLooks(name: string, lookOnce: () => Promise<boolean>): () => void {
  /** Looks under way, by the name of the list. */
  const looks = useRef(new Map<string, Look>());
  const [failed, setFailed] = useState<{ name: string } | null>(null);
  const shown = useLatest(name);
  const note = (failure: { name: string } | null): void => {
    // Of a list that was left nobody waits to hear.
    if (shown.current === name) setFailed(failure);
  };
  const run = async (begun: Look): Promise<void> => {
    do {
      note(null);
      begun.again = false;
      try {
        if (await lookOnce()) begun.again = true;
      } catch (error) {
        if (isPassing(error)) note({ name });
      }
    } while (begun.again);
    looks.current.delete(name);
  };
  const look = (): void => {
    const under = looks.current.get(name);
    if (under) {
      under.again = true;
      return;
    }
    const begun: Look = { again: false };
    looks.current.set(name, begun);
    void run(begun);
  };
  const latest = useLatest(look);
  useEffect(() => {
    // Another list is asked for when it is shown.
    if (failed?.name !== name) return;
    const later = setTimeout(() => latest.current(), againMs);
    return () => clearTimeout(later);
  }, [failed, name, latest]);
  return look;
}
