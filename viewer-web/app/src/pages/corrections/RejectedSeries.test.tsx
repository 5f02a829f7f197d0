// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { Problem } from '~/api/http';
import type { StudyRejections } from '~/api/correctionTypes';
import type { Study } from '~/api/types';
import { startTranslations } from '~/i18n';
import { RejectedSeries } from './RejectedSeries';

startTranslations();
afterEach(cleanup);

const one = (seriesUid: string): StudyRejections['series'][number] => ({
  seriesUid, number: Number(seriesUid.slice(2)), modality: 'CT', description: null, rejectedCount: 3, instanceCount: 0, rejected: { code: '113001', by: 'person:an', at: '2026-11-24T08:00:00Z' },
});

function shown(uids: string[], failure: Error | null = null) {
  const told: unknown[] = [];
  const rejections = { study: { instanceCount: 6 } as Study, series: uids.map(one) };
  render(<MantineProvider><RejectedSeries rejections={rejections} busy={false} failure={failure} onRestore={(uid, reason, restored) => { told.push([uid, reason]); restored(); }} /></MantineProvider>);
  return { told, box: screen.queryByLabelText<HTMLInputElement>(/^Lý do khôi phục/) };
}

const buttons = (): HTMLButtonElement[] => screen.getAllByRole<HTMLButtonElement>('button');

it('restores a series or all of them once somebody says why, and asks anew for the next', () => {
  const { told, box } = shown(['1.2', '1.3']);
  if (!box) throw new Error('no reason is asked for');
  expect(buttons().map(({ disabled }) => disabled)).toEqual([true, true, true]);
  fireEvent.change(box, { target: { value: '   ' } });
  expect(buttons().every(({ disabled }) => disabled)).toBe(true);
  fireEvent.change(box, { target: { value: ' wrong side ' } });
  // Which of the two is meant nobody has said.
  fireEvent.keyDown(box, { key: 'Enter' });
  expect(told).toEqual([]);
  const [, second, all] = buttons();
  if (second) fireEvent.click(second);
  expect([told, box.value, document.activeElement]).toEqual([[['1.3', 'wrong side']], '', box]);
  fireEvent.change(box, { target: { value: 'all of it' } });
  if (all) fireEvent.click(all);
  expect(told.at(-1)).toEqual([undefined, 'all of it']);
});

it('restores the only series by Enter, and keeps Ctrl+Enter from the form above', () => {
  const { told, box } = shown(['1.2']);
  let saved = 0;
  const onKey = (): void => void (saved += 1);
  window.addEventListener('keydown', onKey);
  if (box) fireEvent.change(box, { target: { value: 'wrong side' } });
  if (box) fireEvent.keyDown(box, { key: 'Enter', ctrlKey: true });
  window.removeEventListener('keydown', onKey);
  expect([told, saved]).toEqual([[['1.2', 'wrong side']], 0]);
});

it('tells the buttons of the series from each other to who does not see them', () => {
  shown(['1.2', '1.3']);
  const said = buttons().map((button) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent);
  expect(said).toEqual(['Chuỗi 2: CT', 'Chuỗi 3: CT', undefined]);
});

it('says at the reason what is wrong with it, and asks for none where nothing is rejected', () => {
  shown(['1.2'], new Problem(400, { errors: { reason: 'tooLong' } }));
  expect(screen.getByText('Dài quá')).toBeTruthy();
  cleanup();
  expect(shown([]).box).toBeNull();
});
