import { useCallback, useEffect, useRef, useState } from 'react';
import { useLatest } from '~/ui/useLatest';
import type { Named } from './collect';
import { UploadQueue, type Item, type Totals } from './queue';
import { sendFiles } from './stow';

/** The upload of this page: null until files are added, and again when it is closed. */
export interface Upload {
  state: { items: readonly Item[]; totals: Totals } | null;
  /** Files found so far while a folder is read. */
  reading: number | null;
  add: (files: readonly Named[]) => void;
  setReading: (count: number | null) => void;
  stop: () => void;
  close: () => void;
}

/** Sends files and tells of it ten times a second at most; `onKept` is called when the last file is through. */
export function useUpload(onKept: () => Promise<void>): Upload {
  const queue = useRef<UploadQueue | null>(null);
  const [state, setState] = useState<Upload['state']>(null);
  const [reading, setReading] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const kept = useLatest(onKept);

  const show = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const current = queue.current;
      if (!current) return;
      const totals = current.totals();
      setState({ items: current.items, totals });
      if (!totals.busy && totals.kept > 0) void kept.current();
    }, 100);
  }, [kept]);
  const add = useCallback((files: readonly Named[]) => {
    setReading(null);
    if (files.length === 0) return;
    queue.current ??= new UploadQueue(sendFiles, show);
    queue.current.add(files);
  }, [show]);
  const stop = useCallback(() => queue.current?.stop(), []);
  const close = useCallback(() => {
    queue.current = null;
    setState(null);
  }, []);
  useWarnBeforeLeaving(state?.totals.busy ?? false);
  return { state, reading, add, setReading, stop, close };
}

/** A browser window closed in the middle of an upload asks first. */
function useWarnBeforeLeaving(busy: boolean): void {
  useEffect(() => {
    if (!busy) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [busy]);
}
