import type { Page } from 'playwright-core';
import type { Exam } from '../../src/api/types';
import { wallOf } from '../../src/format/dates';
import { hospitalZone } from '../browser';
import { smallStudy, stowBody } from '../dicom';
import { eventually, expect } from '../expect';

const rows = (page: Page) => page.locator('[role="row"][aria-rowindex]');

/** An open worklist hears of orders and of images; images of another patient wait on their own page, are linked there, and taken back. */
export async function live(page: Page): Promise<void> {
  const patient = { id: `LIVE${Date.now() % 1_000_000}`, name: 'PHẠM THỊ TRỰC', birthDate: '1970-01-02', sex: 'F' };
  await page.goto('/worklist');
  await rows(page).first().waitFor();
  const first = await rows(page).first().textContent();
  const exam = await order(page, patient);
  // A new row is told of and does not come by itself.
  await page.getByRole('button', { name: /^\d+ ca mới/ }).waitFor();
  expect((await rows(page).first().textContent()) === first, 'no row has moved');
  await page.getByRole('button', { name: /^\d+ ca mới/ }).click();
  const row = rows(page).filter({ hasText: patient.id });
  await row.waitFor();
  await row.getByText('Đã chỉ định').waitFor();

  const sent = { patientName: 'PHAM^THI TRUC', birthDate: '19700102', sex: 'F', accessionNumber: exam.accessionNumber, modality: 'CT' };
  await stow(page, smallStudy({ ...sent, patientId: patient.id }).file);
  await row.getByText('Đang chụp').waitFor();

  const other = await order(page, { ...patient, id: `${patient.id}B`, name: 'VŨ VĂN LẠC' });
  const stranger = `KHAC${Date.now() % 1_000_000}`;
  const stray = smallStudy({ ...sent, patientId: stranger, patientName: 'KHAC^NGUOI', accessionNumber: other.accessionNumber });
  await stow(page, stray.file);
  await page.getByRole('link', { name: 'Ảnh chưa ghép' }).click();
  const waiting = rows(page).filter({ hasText: stranger });
  await waiting.waitFor();
  await waiting.getByText('Cùng số chỉ định, khác người bệnh').waitFor();
  await waiting.click();
  await page.getByRole('complementary').getByText('VŨ VĂN LẠC').waitFor();
  await page.keyboard.press('1');
  await page.getByText('Đã ghép KHAC NGUOI').waitFor();
  await eventually('the linked study has left the list', async () => (await waiting.count()) === 0);
  expect((await labelOf(page, other.examId)) === 'inProgress', 'the link moved the exam');
  await page.keyboard.press('Control+z');
  await waiting.waitFor();
  expect((await labelOf(page, other.examId)) === 'ordered', 'taking it back put the exam back');
}

async function order(page: Page, patient: { id: string; name: string; birthDate: string; sex: string }): Promise<Exam> {
  const { day, clock } = wallOf(hospitalZone);
  const answer = await page.request.post('/api/v1/orders', {
    data: { patient, procedure: { code: 'CT-LIVE', name: 'Chụp CT thử', modality: 'CT' }, scheduledAt: `${day}T${clock}`, emergency: true },
  });
  expect(answer.status() === 201, `the order is written, not ${answer.status()}`);
  return (await answer.json()) as Exam;
}

async function stow(page: Page, file: Buffer): Promise<void> {
  const answer = await page.request.post('/dicomweb/studies', stowBody(file));
  expect(answer.status() === 200, `the image is kept, not ${answer.status()}`);
}

async function labelOf(page: Page, examId: number): Promise<string | undefined> {
  const answer = await page.request.get(`/api/v1/worklist?date=${wallOf(hospitalZone).day}`);
  const { items } = (await answer.json()) as { items: Exam[] };
  return items.find((exam) => exam.examId === examId)?.label;
}
