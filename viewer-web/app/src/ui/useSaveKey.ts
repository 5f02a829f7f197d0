import { useEffect } from 'react';
import { useLatest } from './useLatest';

/** Ctrl+Enter does what the page is there for, wherever one types. */
export function useSaveKey(onSave: () => void): void {
  const latest = useLatest(onSave);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [latest]);
}
