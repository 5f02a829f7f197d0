// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startTranslations } from '~/i18n';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { RejectedPage } from './RejectedPage';

startTranslations();
beforeEach(() => {
  // Rows exist where there is room for them.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600);
});
afterEach(() => {
  cleanup();
  stopSlowServer();
  vi.restoreAllMocks();
});

it('asks no more at a row that somebody else has restored, also when it comes back', async () => {
  const row = (studyUid: string, name: string) => ({
    studyUid, patient: { id: studyUid, issuer: null, name, birthDate: null, sex: null }, modalities: ['CT'], instanceCount: 0, rejectedCount: 3,
    rejected: { code: '113001', by: 'person:an', at: '2026-11-24T08:00:00Z' },
  });
  const all = [row('1.2', 'LE^VAN A'), row('1.3', 'LE^VAN B')];
  let items = all;
  const server = startSlowServer(() => ({ items, next: null }));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><MantineProvider><MemoryRouter><RejectedPage /></MemoryRouter></MantineProvider></QueryClientProvider>);
  await server.asked(1);
  await server.answer(0);
  fireEvent.click(screen.getByText('LE VAN A'));
  fireEvent.keyDown(document.body, { key: '1' });
  expect(document.activeElement).toBe(screen.getByLabelText('Lý do khôi phục'));
  items = all.slice(1);
  await server.changed('study.changed');
  await server.asked(2);
  await server.answer(1);
  expect(screen.queryByText('LE VAN A')).toBeNull();
  items = all;
  await server.changed('study.changed');
  await server.asked(3);
  await server.answer(2);
  fireEvent.click(screen.getByRole('button', { name: /ca mới/ }));
  await server.asked(4);
  await server.answer(3);
  expect(screen.getByText('LE VAN A')).toBeTruthy();
  expect(screen.queryByLabelText('Lý do khôi phục')).toBeNull();
});
