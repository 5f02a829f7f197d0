// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterEach, expect, it, vi } from 'vitest';
import type { StudyAct } from '~/api/correctionTypes';
import type { Study } from '~/api/types';
import { startTranslations } from '~/i18n';
import { CorrectionsPage } from './CorrectionsPage';

startTranslations();
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const study = { studyUid: '1.2', patient: { id: 'BN1', issuer: null, name: 'LE^VAN A', birthDate: null, sex: null }, modalities: ['CT'], seriesCount: 1, instanceCount: 3, label: null, flags: [] as string[] } as Study;
const act = { actId: 7, kind: 'study.reject', by: 'person:an', at: '2026-11-24T08:00:00Z', reason: null, code: null, subjectKind: 'study', subjectUid: '1.2', undoes: null, isUndone: false, canUndo: true, changes: [], movement: null } satisfies StudyAct;
const answers: Record<string, unknown> = {
  'GET /api/v1/session': { user: { name: 'an', displayName: 'An', role: 'administrator', facilities: null }, timeZone: 'Asia/Ho_Chi_Minh' },
  'GET /api/v1/studies/1.2': { ...study, priors: [] },
  'GET /api/v1/studies/1.2/corrections': { study: { uid: '1.2', instances: 3, attributes: [] }, series: [] },
  'GET /api/v1/studies/1.2/rejections': { study, series: [] },
  'GET /api/v1/studies/1.2/acts': { items: [act] },
};

/** The page at its part about rejecting, with a server that finds fault with whatever is done. */
const shown = (errors: Record<string, string>) => page(answers, () => Response.json({ errors }, { status: 400 }));

/** The page at its part about rejecting, with a server that knows this and does something. */
async function page(knows: Record<string, unknown>, does: (path: string) => Response) {
  vi.stubGlobal('fetch', async (path: string, { method }: RequestInit) => {
    if (method === 'POST') return does(path);
    return Response.json(knows[`${method} ${path}`] ?? [], { status: 200 });
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const entry = { pathname: '/corrections/1.2', state: { part: 'reject' } };
  render(
    <QueryClientProvider client={client}><MantineProvider><MemoryRouter initialEntries={[entry]}>
      <Routes><Route path="/corrections/:studyUid" element={<CorrectionsPage />} /></Routes>
    </MemoryRouter></MantineProvider></QueryClientProvider>,
  );
  return within(await screen.findByRole('tabpanel'));
}

it('tells the forms that stand below each other from each other', async () => {
  // React says so of the first only: this test stays the first.
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const panel = await shown({});
  await panel.findByText('Không có ảnh nào của ca này bị loại.');
  expect(complaints).not.toHaveBeenCalled();
});

it('says at the reasons for rejecting that the one chosen is refused', async () => {
  const panel = await shown({ code: 'invalid' });
  fireEvent.click(panel.getByLabelText('Cả ca'));
  fireEvent.click(panel.getByLabelText('Chất lượng ảnh kém'));
  fireEvent.click(panel.getByRole('button', { name: /^Loại 3 ảnh/ }));
  expect(await panel.findByText('Không hợp lệ')).toBeTruthy();
});

it('hides nothing that is wrong where no form shows it', async () => {
  await shown({ actId: 'invalid' });
  fireEvent.click(await screen.findByRole('button', { name: 'Hoàn tác' }));
  expect((await screen.findByRole('status')).dataset['failed']).toBe('true');
});

it('leads the keys to the reason for the next series once one is restored, and to what says that there is none', async () => {
  const rejected = (uid: string) => ({ seriesUid: uid, number: 1, modality: 'CT', description: null, rejectedCount: 3, instanceCount: 0, rejected: { code: '113001', by: 'person:an', at: '2026-11-24T08:00:00Z' } });
  const left = [rejected('1.2.1'), rejected('1.2.2')];
  const knows = { ...answers, get 'GET /api/v1/studies/1.2/rejections'() { return { study, series: [...left] }; } };
  const panel = await page(knows, () => {
    left.shift();
    return Response.json({ actId: 8, count: 3 });
  });
  const restore = async (at: number): Promise<void> => {
    fireEvent.change(await panel.findByLabelText(/^Lý do khôi phục/), { target: { value: 'wrong side' } });
    const button = panel.getAllByRole('button', { name: 'Khôi phục' })[at];
    button?.focus();
    if (button) fireEvent.click(button);
  };
  await panel.findByLabelText(/^Lý do khôi phục/);
  await restore(0);
  await waitFor(() => expect(panel.getAllByRole('button', { name: 'Khôi phục' }).length).toBe(1));
  await waitFor(() => expect(document.activeElement).toBe(panel.getByLabelText(/^Lý do khôi phục/)));
  await restore(0);
  await panel.findByText('Không có ảnh nào của ca này bị loại.');
  await waitFor(() => expect(document.activeElement?.tagName).toBe('SECTION'));
});
