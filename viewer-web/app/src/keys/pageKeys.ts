/** The keys of the page on the screen, for the sheet that lists them: F1 anywhere, or ? outside of text. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { KeyGroup } from '~/ui/KeySheet';

let shown: readonly KeyGroup[] = [];
const watchers = new Set<() => void>();

function show(groups: readonly KeyGroup[]): void {
  shown = groups;
  for (const watcher of watchers) watcher();
}

/** Says what the keys of a page do, while it is on the screen. Give it a memoised value. */
export function usePageKeys(groups: readonly KeyGroup[]): void {
  useEffect(() => {
    show(groups);
    return () => show([]);
  }, [groups]);
}

/** The keys of the page on the screen. */
export function useShownKeys(): readonly KeyGroup[] {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => shown,
  );
}

/** Whether the sheet of keys is open, with the keys that open and close it. */
export function useKeySheet(): { open: boolean; toggle: () => void } {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
      const asks = event.key === 'F1' || (event.key === '?' && !isText(event.target));
      if (asks) setOpen((before) => !before);
      else if (event.key === 'Escape' && open) setOpen(false);
      else return;
      event.preventDefault();
    };
    // Before the page's own keys: Esc closes the sheet and nothing else.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [open]);
  return { open, toggle: () => setOpen((before) => !before) };
}

function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
