// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it } from 'vitest';
import { request } from '~/api/http';
import type { Page } from '~/api/types';
import { startSlowServer, stopSlowServer } from './slowServer';
import { useLivePages } from './useLivePages';

afterEach(() => {
  cleanup();
  stopSlowServer();
});

/** A list by name, of a server that may be busy or refuse it, in pages of two rows where `inPages`. */
function lists(stands: Record<string, string>, inPages = false) {
  const server = startSlowServer((path) => {
    const [name = '', cursor = ''] = path.split('/');
    if (stands[name] === 'busy') return new Response(null, { status: 503 });
    if (stands[name] === 'refused') return new Response(null, { status: 403 });
    const rows = [...(stands[name] ?? '')].slice(Number(cursor));
    return { items: inPages ? rows.slice(0, 2) : rows, next: inPages && rows.length > 2 ? String(Number(cursor) + 2) : null };
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const told: number[] = [];
  const show = () => renderHook(
    ({ name }) => {
      const list = useLivePages({
        key: ['list', name], page: (cursor, _, signal) => request<Page<string>>(`${name}/${cursor ?? '0'}`, { signal }), rowKey: (row: string) => row, events: ['study.changed'],
      });
      told.push(list.fresh);
      return list;
    },
    { wrapper, initialProps: { name: 'open' } },
  );
  const { result, rerender, unmount } = show();
  return {
    /** Somebody else signs in, and goes to the list. */
    next: () => {
      unmount();
      client.removeQueries();
      return show().result;
    },
    /** What it has said at every drawing of how much has come. */
    told,
    stands, result, rerender, asked: server.asked, answer: server.answer, pass: server.pass, reconnected: server.reconnected,
    rows: () => result.current.rows.join(''),
    changed: () => server.changed('study.changed'),
  };
}

/** The same once the first answer is there. */
async function begun(...knows: Parameters<typeof lists>) {
  const list = lists(...knows);
  await list.asked(1);
  await list.answer(0);
  return list;
}

it('lays no answer over a list that was asked for later', async () => {
  const list = await begun({ open: 'ab' });
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

it('looks once what is on its way has come, which may be older', async () => {
  const list = await begun({ open: 'abcd' }, true);
  // The next page is put to the first one as that was when the next was asked for.
  act(() => void list.result.current.query.fetchNextPage());
  await list.asked(2);
  list.stands['open'] = 'bcd';
  await list.changed();
  await list.answer(1);
  await list.asked(3);
  await list.answer(2);
  expect(list.rows()).toBe('bcd');
});

it('shows at once what comes to a list that has no row left', async () => {
  const list = await begun({ open: 'a' });
  list.stands['open'] = 'n';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  expect([list.rows(), list.result.current.fresh]).toEqual(['n', 0]);
});

it('says of each list what has come to it, and of no other', async () => {
  const list = await begun({ open: 'ab', answered: 'xy' });
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
  // Back again, it says nothing for a moment of what was found after it was left.
  list.told.length = 0;
  list.rerender({ name: 'open' });
  await list.asked(5);
  await list.answer(4);
  expect([list.rows(), [...new Set(list.told)]]).toEqual(['nmab', [0]]);
});

it('looks once more, however much happens while it looks', async () => {
  const list = await begun({ open: 'ab' });
  await list.changed();
  await list.asked(2);
  await list.changed();
  await list.changed();
  await list.changed();
  await list.asked(2);
  list.stands['open'] = 'nab';
  await list.answer(1);
  await list.asked(3);
  await list.answer(2);
  await list.asked(3);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
});

it('takes up again what it could not look at, though nothing else happens', async () => {
  const list = await begun({ open: 'ab' });
  list.stands['open'] = 'busy';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  await list.pass(4800);
  await list.asked(2);
  await list.pass(200);
  await list.asked(3);
  await list.answer(2);
  list.stands['open'] = 'nab';
  await list.pass(5000);
  await list.asked(4);
  await list.answer(3);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
  await list.pass(60_000);
  await list.asked(4);
});

it('waits not for ever for an answer that does not come', async () => {
  const list = await begun({ open: 'ab' });
  await list.changed();
  await list.asked(2);
  list.stands['open'] = 'nab';
  await list.changed();
  await list.pass(30_000);
  // The look that follows at once, since something has happened meanwhile.
  await list.asked(3);
  await list.answer(2);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
  await list.pass(6000);
  await list.asked(3);
  // The list's own question neither.
  act(() => void list.result.current.refresh());
  await list.asked(4);
  await list.changed();
  await list.pass(120_000);
  await list.asked(5);
});

it('asks no more once it has gone', async () => {
  const list = await begun({ open: 'ab' });
  list.stands['open'] = 'busy';
  await list.changed();
  await list.asked(2);
  cleanup();
  await list.answer(1);
  await list.pass(60_000);
  await list.asked(2);
});

it('moves no row when the line comes back, and asks for a list that is not there', async () => {
  const list = await begun({ open: 'ab', answered: 'busy' });
  list.stands['open'] = 'nab';
  await list.reconnected();
  await list.asked(2);
  await list.answer(1);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
  list.rerender({ name: 'answered' });
  await list.asked(3);
  await list.answer(2);
  list.stands['answered'] = 'xy';
  await list.reconnected();
  await list.asked(4);
  await list.answer(3);
  expect(list.rows()).toBe('xy');
});

it('lays nothing over the list of the next who signs in', async () => {
  const list = await begun({ open: 'ab' });
  list.stands['open'] = 'ac';
  await list.changed();
  await list.asked(2);
  list.stands['open'] = 'xy';
  const next = list.next();
  await list.asked(3);
  await list.answer(2);
  await list.answer(1);
  expect(next.current.rows.join('')).toBe('xy');
});

it('goes on telling what has come when it could not be had', async () => {
  const list = await begun({ open: 'ab' });
  list.stands['open'] = 'nab';
  await list.changed();
  await list.asked(2);
  await list.answer(1);
  list.stands['open'] = 'busy';
  act(() => void list.result.current.refresh());
  await list.asked(3);
  await list.answer(2);
  expect([list.rows(), list.result.current.fresh]).toEqual(['ab', 1]);
  list.stands['open'] = 'nab';
  act(() => void list.result.current.refresh());
  await list.asked(4);
  await list.answer(3);
  expect([list.rows(), list.result.current.fresh]).toEqual(['nab', 0]);
});

it('leaves it at a refusal until somebody asks again', async () => {
  const list = await begun({ open: 'refused' });
  await list.changed();
  await list.asked(1);
  list.stands['open'] = 'ab';
  act(() => void list.result.current.query.refetch());
  await list.asked(2);
  await list.answer(1);
  expect(list.rows()).toBe('ab');
});
