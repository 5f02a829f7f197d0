// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { afterEach, expect, it } from 'vitest';
import { phrases, startTranslations } from '~/i18n';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { SearchPage } from './SearchPage';
import { clearSearch } from './searchState';

startTranslations();
afterEach(() => {
  cleanup();
  clearSearch();
  stopSlowServer();
});

const study = (at: number) => ({ studyUid: `1.${at}`, patient: { id: '', issuer: null, name: '', birthDate: null, sex: null }, modalities: [], flags: [], instanceCount: 1 });

/** The page, with a server that knows these studies, in pages of 15; `broken` is a page that it cannot answer. */
async function shown(knows: { all: ReturnType<typeof study>[]; broken?: number | null }) {
  const cursors: number[] = [];
  const asked: string[] = [];
  const server = startSlowServer((path, body) => {
    asked.push(path);
    if (!path.endsWith('/studies/search')) return new Response(null, { status: 404 });
    const from = Number((body as { cursor: string | null }).cursor ?? 0);
    cursors.push(from);
    if (from === knows.broken) return new Response(null, { status: 500 });
    return { items: knows.all.slice(from, from + 15), next: from + 15 < knows.all.length ? String(from + 15) : null };
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><MantineProvider><MemoryRouter><SearchPage /></MemoryRouter></MantineProvider></QueryClientProvider>);
  await server.answerAll();
  return {
    server, cursors, asked,
    first: (): string | undefined => client.getQueriesData<{ pages: { items: { studyUid: string }[] }[] }>({ queryKey: ['studies'] })[0]?.[1]?.pages[0]?.items[0]?.studyUid,
  };
}

const below = Array.from({ length: 30 }, (_, at) => study(at));

it('shows what has come, at the top, before it asks for what lies below', async () => {
  const knows = { all: below };
  const { server, cursors, first } = await shown(knows);
  expect([first(), cursors]).toEqual(['1.0', [0, 15]]);
  knows.all = [study(99), ...below];
  await server.changed('study.changed');
  await server.answerAll();
  const list = screen.getByRole('rowgroup');
  list.scrollTop = 500;
  fireEvent.click(screen.getByRole('button', { name: /^1 ca mới/ }));
  expect([list.scrollTop, document.activeElement]).toEqual([0, list]);
  await server.answerAll();
  expect([first(), cursors]).toEqual(['1.99', [0, 15, 0, 0, 15]]);
});

it('asks for a page that the server cannot answer once, and again when somebody says so', async () => {
  const knows: Parameters<typeof shown>[0] = { all: below, broken: 15 };
  const { server, cursors } = await shown(knows);
  expect(cursors).toEqual([0, 15]);
  knows.broken = null;
  fireEvent.click(screen.getByRole('button', { name: 'Thử lại' }));
  await server.answerAll();
  expect(cursors).toEqual([0, 15, 15]);
  expect(screen.queryByRole('alert')).toBeNull();
});

it('opens the exam of a number that was scanned once before, when its images were not there', async () => {
  const knows = { all: [] as ReturnType<typeof study>[] };
  const { server, asked } = await shown(knows);
  const box = screen.getByPlaceholderText(phrases.vi.search.placeholder);
  const scan = async (number: string): Promise<void> => {
    fireEvent.change(box, { target: { value: number } });
    fireEvent.keyDown(box, { key: 'Enter' });
    await server.answerAll();
  };
  await scan('A1');
  await scan('A2');
  knows.all = [study(7)];
  await scan('A1');
  expect(asked).toContain('/api/v1/studies/1.7');
});
