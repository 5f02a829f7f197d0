/** The server's event stream, opened while some page listens. Events are hints: pages ask again for what they show. */
import { useEffect, useSyncExternalStore } from 'react';
import type { Change } from '~/api/types';
import { useLatest } from '~/ui/useLatest';

/** Whether the stream is open; `lost` after it broke (the browser reconnects by itself). */
export type Connection = 'idle' | 'open' | 'lost';

type Listener = (change: Change) => void;

const listeners = new Set<Listener>();
const watchers = new Set<() => void>();
let source: EventSource | null = null;
let connection: Connection = 'idle';
let reopen: ReturnType<typeof setTimeout> | undefined;

function become(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const watcher of watchers) watcher();
}

/** Whether something may have happened that no stream tells: a new one begins at now. */
let missed = false;

function open(): void {
  if (source || document.hidden) return;
  const opened = new EventSource('/api/v1/events');
  source = opened;
  opened.onopen = () => {
    become('open');
    // After a break the browser comes back to where it was, and is told; a stream opened anew is not: everybody asks once.
    if (missed) for (const kind of kinds) tell({ id: 0, kind });
    missed = false;
  };
  opened.onerror = () => {
    become('lost');
    // A browser gives up for good after an HTTP error; this page does not.
    if (opened.readyState === EventSource.CLOSED) {
      source = null;
      missed = true;
      clearTimeout(reopen);
      reopen = setTimeout(() => listeners.size > 0 && open(), 5000);
    }
  };
  opened.addEventListener('change', (event: MessageEvent<string>) => tell(JSON.parse(event.data) as Change));
}

/** A tab in the background hears nothing: browsers allow a server six connections over plain HTTP, for all tabs together. */
function onVisibility(): void {
  if (!document.hidden && listeners.size > 0) open();
  if (document.hidden && source) {
    missed = true;
    close();
  }
}

/** Another line may have taken the place of the one that the stream was on, which nobody has told it. */
function onOnline(): void {
  if (listeners.size === 0) return;
  missed = true;
  close();
  open();
}

const kinds = ['study.changed', 'series.settled', 'exam.changed', 'order.created', 'unmatched.changed', 'patient.changed', 'instance.damaged'] as const;

function tell(change: Change): void {
  for (const listener of listeners) listener(change);
}

function close(): void {
  clearTimeout(reopen);
  source?.close();
  source = null;
  become('idle');
}

/** Calls `onChange` at most every 700 ms while changes of these kinds arrive; with `studyUid`, only those of that study. */
export function useChanges(wanted: readonly Change['kind'][], onChange: () => void, studyUid?: string): void {
  const act = useLatest(onChange);
  const kindsKey = wanted.join();
  useEffect(() => {
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const listener: Listener = (change) => {
      if (!kindsKey.split(',').includes(change.kind)) return;
      if (studyUid !== undefined && change.studyUid && change.studyUid !== studyUid) return;
      waiting ??= setTimeout(() => {
        waiting = undefined;
        act.current();
      }, 700);
    };
    listeners.add(listener);
    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('online', onOnline);
    open();
    return () => {
      clearTimeout(waiting);
      listeners.delete(listener);
      // A page that follows this one keeps the stream.
      setTimeout(() => listeners.size === 0 && close(), 0);
    };
  }, [act, kindsKey, studyUid]);
}

/** The state of the line to the server. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => connection,
  );
}
