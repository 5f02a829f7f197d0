// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Page } from '~/api/types';
import { useLivePages } from './useLivePages';

/** The stream of events, on which the test speaks for the server. */
class Stream extends EventTarget {
  static last: Stream | null = null;
  readyState = 1;
  constructor() {
    super();
    Stream.last = this;
  }
  close(): void {}
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('EventSource', Stream);
});
afterEach(() => {
  cleanup();
  vi.runOnlyPendingTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A list by name, and a server that answers each question when the test says so: with what stood then, as a slow line does. */
function lists(stands: Record<string, string>) {
  const questions: { name: string; answer: () => void }[] = [];
  const page = (name: string) => (): Promise<Page<string>> => {
    const rows = { items: [...(stands[name] ?? '')], next: null };
    return new Promise((resolve) => questions.push({ name, answer: () => resolve(rows) }));
  };
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result, rerender } = renderHook(
    ({ name }) => useLivePages({ key: ['list', name], page: page(name), rowKey: (row: string) => row, events: ['study.changed'] }),
    { wrapper, initialProps: { name: 'open' } },
  );
  const asked = (count: number) => vi.waitFor(() => expect(questions.length).toBe(count));
  return {
    stands, result, questions, asked, rerender,
    rows: () => result.current.rows.join(''),
    answer: (at: number) => act(async () => {
      questions[at]?.answer();
      await vi.advanceTimersByTimeAsync(0);
    }),
    /** Something happens, and the page looks. */
    changed: () => act(async () => {
      Stream.last?.dispatchEvent(new MessageEvent('change', { data: JSON.stringify({ id: 1, kind: 'study.changed' }) }));
      vi.advanceTimersByTime(700);
    }),
  };
}

it('lays no answer over a list that was asked for later', async () => {
  const list = lists({ open: 'ab' });
  await list.asked(1);
  await list.answer(0);
  expect(list.rows()).toBe('ab');
  // Row a goes, the page looks, and a comes back before the answer is here.
  list.stands['open'] = 'b';
  await list.changed();
  await list.asked(2);
  list.stands['open'] = 'ab';
  act(() => void list.result.current.refresh());
  await list.asked(3);
  await list.answer(2);
  await list.answer(1);
  expect(list.rows()).toBe('ab');
  // What the answer had to tell is looked for again.
  await list.asked(4);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 0]);
  list.stands['open'] = 'nab';
  await list.answer(3);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 0]);
  await list.changed();
  await list.asked(5);
  await list.answer(4);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
});

it('says of each list what has come to it, and of no other', async () => {
  const list = lists({ open: 'ab', answered: 'xy' });
  await list.asked(1);
  await list.answer(0);
  list.stands['open'] = 'nmab';
  await list.changed();
  await list.asked(2);
  list.rerender({ name: 'answered' });
  await list.asked(3);
  await list.answer(2);
  await list.answer(1);
  expect([list.rows(), list.result.current.fresh]).toEqual(['xy', 0]);
  list.stands['answered'] = 'zxy';
  await list.changed();
  await list.asked(4);
  await list.answer(3);
  expect([list.rows(), list.result.current.fresh]).toEqual(['xy', 1]);
});
