// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it } from 'vitest';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { useStudyList } from './useStudyList';

afterEach(() => {
  cleanup();
  stopSlowServer();
});

/** Studies by a letter each, in pages of three; those of a filter are named by its words. */
function search(stands: Record<string, string>) {
  const server = startSlowServer((_, body) => {
    const { q, cursor } = body as { q: string; cursor: string | null };
    const from = Number(cursor ?? 0);
    const rows = [...(stands[q] ?? '')].slice(from);
    return { items: rows.slice(0, 3).map((studyUid) => ({ studyUid })), next: rows.length > 3 ? String(from + 3) : null };
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 30_000 } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const of = (q: string) => ({ filter: { q, modality: null, from: null, to: null } });
  const { result, rerender } = renderHook(({ filter }) => useStudyList(filter), { wrapper, initialProps: of('') });
  return {
    stands, result, asked: server.asked, answer: server.answer,
    type: (q: string) => rerender(of(q)),
    shown: () => [result.current.studies.map(({ studyUid }) => studyUid).join(''), result.current.fresh],
    changed: () => server.changed('study.changed'),
  };
}

it('lays no older answer over a list that was asked for later', async () => {
  const list = search({ '': 'ab' });
  await list.asked(1);
  await list.answer(0);
  list.stands[''] = 'nab';
  await list.changed();
  await list.asked(2);
  list.stands[''] = 'mna';
  act(() => void list.result.current.refresh());
  await list.asked(3);
  await list.answer(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['mna', 0]);
});

it('says of each filter what has come to it, and shows the one before until the next is there', async () => {
  const list = search({ '': 'ab', x: 'xy' });
  await list.asked(1);
  await list.answer(0);
  list.stands[''] = 'nab';
  await list.changed();
  await list.asked(2);
  list.type('x');
  await list.asked(3);
  expect(list.shown()).toEqual(['ab', 0]);
  await list.answer(1);
  expect(list.shown()).toEqual(['ab', 0]);
  await list.answer(2);
  expect(list.shown()).toEqual(['xy', 0]);
  // Back again, the list is asked anew with what has come.
  list.type('');
  await list.asked(4);
  await list.answer(3);
  expect(list.shown()).toEqual(['nab', 0]);
});

it('takes no study for new that comes up from the next page, and takes away what has gone', async () => {
  const list = search({ '': 'abcd' });
  await list.asked(1);
  await list.answer(0);
  expect(list.shown()).toEqual(['abc', 0]);
  list.stands[''] = 'acd';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['ac', 0]);
});

it('begins at the top when it is asked anew', async () => {
  const list = search({ '': 'abcdef' });
  await list.asked(1);
  await list.answer(0);
  act(() => void list.result.current.query.fetchNextPage());
  await list.asked(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['abcdef', 0]);
  list.stands[''] = 'nabcdef';
  act(() => void list.result.current.refresh());
  await list.asked(3);
  await list.answer(2);
  // One question: the second page is not asked for until somebody scrolls there.
  expect(list.shown()).toEqual(['nab', 0]);
});
