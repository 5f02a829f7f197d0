// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Exam } from '~/api/types';
import { startTranslations } from '~/i18n';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { WorklistPage } from './WorklistPage';

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

const exam = (examId: number, name: string): Exam => ({
  examId, label: 'scheduled', flags: [], patient: { id: name, issuer: null, name, birthDate: null, sex: null }, accessionNumber: '', procedure: { code: '', name: '' },
  scheduledAt: null, actReason: null, instanceCount: 0, acts: ['arrive', 'cancel'],
}) as unknown as Exam;
const both = [exam(1, 'LE^VAN A'), exam(2, 'LE^VAN B')];

/** The page, with a server that knows both exams; B's row is selected, and A's is asked why it is cancelled. */
async function asked() {
  const knows = { items: both };
  const acted: string[] = [];
  const server = startSlowServer((path) => {
    if (path.endsWith('/acts')) acted.push(path);
    return path.includes('/worklist') ? { items: knows.items, asOf: '2026-11-24T08:00:00Z' } : new Response(null, { status: 404 });
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><MantineProvider><MemoryRouter><WorklistPage /></MemoryRouter></MantineProvider></QueryClientProvider>);
  await server.answerAll();
  fireEvent.click(screen.getByRole('row', { name: /LE VAN B/ }));
  fireEvent.click(within(screen.getByRole('row', { name: /LE VAN A/ })).getByRole('button', { name: 'Hủy' }));
  return { server, knows, acted, box: screen.getByLabelText('Hủy: lý do') };
}

it('gives the keys to the row that is asked about, and to no other patient', async () => {
  const { server, acted, box } = await asked();
  fireEvent.keyDown(box, { key: 'Escape' });
  fireEvent.keyDown(screen.getByRole('rowgroup'), { key: '1' });
  await server.pass(0);
  expect(acted).toEqual(['/api/v1/exams/1/acts']);
});

it('asks no more at a row that has gone, also when it comes back', async () => {
  const { server, knows, acted, box } = await asked();
  fireEvent.change(box, { target: { value: 'BN ' } });
  knows.items = both.slice(1);
  await server.changed('exam.changed');
  await server.answerAll();
  expect(screen.queryByRole('row', { name: /LE VAN A/ })).toBeNull();
  // The rest of the sentence.
  fireEvent.keyDown(screen.getByRole('rowgroup'), { key: '1' });
  await server.pass(0);
  expect(acted).toEqual([]);
  knows.items = both;
  await server.changed('exam.changed');
  await server.answerAll();
  const list = screen.getByRole('rowgroup');
  list.scrollTop = 20;
  fireEvent.click(screen.getByRole('button', { name: /ca mới/ }));
  // What is new stands anywhere in the day.
  expect([list.scrollTop, document.activeElement]).toEqual([20, list]);
  await server.answerAll();
  expect(screen.getByRole('row', { name: /LE VAN A/ })).toBeTruthy();
  expect(screen.queryByLabelText('Hủy: lý do')).toBeNull();
});
