/** For tests: a server that answers each question when the test says so, with what stood when it was asked, as a slow line does. */
import { act } from '@testing-library/react';
import { expect, vi } from 'vitest';
import type { Change } from '~/api/types';

/** The stream of events, on which the test speaks. */
class Stream extends EventTarget {
  static last: Stream | null = null;
  readyState = 1;
  onopen: (() => void) | null = null;
  constructor() {
    super();
    Stream.last = this;
  }
  close(): void {}
}

/** Begins it, with clocks that the test moves; `stands` says what it knows when it is asked something. */
export function startSlowServer(stands: (path: string, body: unknown) => Response | object) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('EventSource', Stream);
  const questions: (() => void)[] = [];
  vi.stubGlobal('fetch', (path: string, init?: { body?: string | null; signal?: AbortSignal | null }) => {
    const known = stands(path, init?.body ? (JSON.parse(init.body) as unknown) : null);
    return new Promise<Response>((resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      questions.push(() => resolve(known instanceof Response ? known : Response.json(known)));
    });
  });
  const answer = (at: number): Promise<void> => act(async () => {
    questions[at]?.();
    // Once for the answer to be read, and once more for the page to be told of it.
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(0);
  });
  let answered = 0;
  return {
    /** Waits for so many questions in all. */
    asked: (count: number) => vi.waitFor(() => expect(questions.length).toBe(count)),
    /** Answers the one with this number, from 0. */
    answer,
    /** Answers all of them in turn, until nothing is asked any more. */
    answerAll: async () => {
      while (answered < questions.length) await answer(answered++);
    },
    /** Time passes. */
    pass: (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms)),
    /** The line goes away and comes back, and with it the stream. */
    reconnected: () => act(async () => {
      window.dispatchEvent(new Event('offline'));
      window.dispatchEvent(new Event('online'));
      Stream.last?.onopen?.();
      await vi.advanceTimersByTimeAsync(700);
    }),
    /** Something happens, and the page is told. */
    changed: (kind: Change['kind']) => act(async () => {
      Stream.last?.dispatchEvent(new MessageEvent('change', { data: JSON.stringify({ id: 1, kind }) }));
      await vi.advanceTimersByTimeAsync(700);
    }),
  };
}

/** Ends it; what a page that has gone still asks stays without an answer, for which `fetch` stays replaced. */
export function stopSlowServer(): void {
  vi.runOnlyPendingTimers();
  vi.useRealTimers();
}
