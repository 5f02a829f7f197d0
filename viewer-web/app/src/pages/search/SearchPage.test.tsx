// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { afterEach, expect, it } from 'vitest';
import { startTranslations } from '~/i18n';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { SearchPage } from './SearchPage';

startTranslations();
afterEach(() => {
  cleanup();
  stopSlowServer();
});

it('shows what has come before it asks for what lies below', async () => {
  const study = (at: number) => ({ studyUid: `1.${at}`, patient: { id: '', issuer: null, name: '', birthDate: null, sex: null }, modalities: [], flags: [], instanceCount: 1 });
  const below = Array.from({ length: 30 }, (_, at) => study(at));
  let all = below;
  const cursors: number[] = [];
  const server = startSlowServer((path, body) => {
    if (!path.endsWith('/studies/search')) return new Response(null, { status: 404 });
    const from = Number((body as { cursor: string | null }).cursor ?? 0);
    cursors.push(from);
    return { items: all.slice(from, from + 15), next: from + 15 < all.length ? String(from + 15) : null };
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><MantineProvider><MemoryRouter><SearchPage /></MemoryRouter></MantineProvider></QueryClientProvider>);
  const first = (): string | undefined => client.getQueriesData<{ pages: { items: { studyUid: string }[] }[] }>({ queryKey: ['studies'] })[0]?.[1]?.pages[0]?.items[0]?.studyUid;
  await server.answerAll();
  expect([first(), cursors]).toEqual(['1.0', [0, 15]]);
  all = [study(99), ...below];
  await server.changed('study.changed');
  await server.answerAll();
  fireEvent.click(screen.getByRole('button', { name: /^1 ca mới/ }));
  await server.answerAll();
  expect([first(), cursors]).toEqual(['1.99', [0, 15, 0, 0, 15]]);
});
