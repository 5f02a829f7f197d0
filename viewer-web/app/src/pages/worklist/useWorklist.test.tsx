// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it } from 'vitest';
import type { Exam } from '~/api/types';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { useWorklist } from './useWorklist';

afterEach(() => {
  cleanup();
  stopSlowServer();
});

const exam = (letter: string): Exam => ({ examId: letter.toLowerCase().codePointAt(0) ?? 0, accessionNumber: letter }) as Exam;

/** Exams by a letter each, a capital one once something has become of it; those of a day are named by its date. */
function day(stands: Record<string, string>) {
  const server = startSlowServer((path) => {
    const rows = stands[new URLSearchParams(path.split('?')[1]).get('date') ?? ''];
    return rows === undefined ? new Response(null, { status: 500 }) : { items: [...rows].map(exam), asOf: '2026-11-24T08:00:00Z' };
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const of = (date: string) => ({ filter: { date, modality: null, room: null } });
  const { result, rerender } = renderHook(({ filter }) => useWorklist(filter), { wrapper, initialProps: of('today') });
  return {
    stands, result, asked: server.asked, answer: server.answer, reconnected: server.reconnected,
    turn: (date: string) => rerender(of(date)),
    shown: () => [result.current.exams.map(({ accessionNumber }) => accessionNumber).join(''), result.current.fresh],
    changed: () => server.changed('exam.changed'),
  };
}

/** The same once the first answer is there. */
async function begun(...knows: Parameters<typeof day>) {
  const list = day(...knows);
  await list.asked(1);
  await list.answer(0);
  return list;
}

it('lays no older answer over what somebody has just done', async () => {
  const list = await begun({ today: 'ab' });
  await list.changed();
  await list.asked(2);
  list.stands['today'] = 'Ab';
  act(() => list.result.current.replace(exam('A')));
  await list.answer(1);
  expect(list.shown()).toEqual(['Ab', 0]);
  await list.asked(3);
  list.stands['today'] = 'Abn';
  await list.answer(2);
  await list.changed();
  await list.asked(4);
  await list.answer(3);
  expect(list.shown()).toEqual(['Ab', 1]);
  act(() => void list.result.current.showFresh());
  await list.asked(5);
  await list.answer(4);
  expect(list.shown()).toEqual(['Abn', 0]);
});

it('says of each day what has come to it, and of no other', async () => {
  const list = await begun({ today: 'ab', tomorrow: 'xy' });
  list.stands['today'] = 'nab';
  await list.changed();
  await list.asked(2);
  list.turn('tomorrow');
  await list.asked(3);
  await list.answer(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['xy', 0]);
});

it('asks anew when something happens and the first answer did not come', async () => {
  const list = await begun({});
  list.stands['today'] = 'ab';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['ab', 0]);
});

it('moves no row when the line comes back', async () => {
  const list = await begun({ today: 'ab' });
  list.stands['today'] = 'nab';
  await list.reconnected();
  await list.asked(2);
  await list.answer(1);
  expect(list.shown()).toEqual(['ab', 1]);
});

it('goes on telling what has come when it could not be had', async () => {
  const list = await begun({ today: 'ab' });
  list.stands['today'] = 'abn';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  delete list.stands['today'];
  act(() => void list.result.current.showFresh());
  await list.asked(3);
  await list.answer(2);
  expect(list.shown()).toEqual(['ab', 1]);
});
