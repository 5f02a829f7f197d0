import type { Page } from 'playwright-core';
import type { StudyAct } from '../../src/api/correctionTypes';
import type { Exam } from '../../src/api/types';
import type { Environment } from '../environment';
import { smallStudy, stowBody } from '../dicom';
import { expect } from '../expect';
import { shootBoth } from '../shots';

const rows = (page: Page) => page.locator('[role="row"][aria-rowindex]');

/**
 * Images of somebody unknown find by a search the order that was entered under a name on another day, by keys and with
 * the reason that was typed; what was matched is taken apart again on the page of corrections.
 */
export async function matching(page: Page, { shots }: Environment): Promise<void> {
  const shot = (name: string): Promise<void> => shootBoth(page, shots, name);
  const tail = Date.now() % 1_000_000;
  const name = `LÝ THỊ GHÉP ${tail}`;
  const order = {
    patient: { id: `GH${tail}`, name, birthDate: '1960-05-06', sex: 'F' }, procedure: { code: 'XQ.NGUC', name: 'X-quang ngực', modality: 'DX' },
    station: {}, scheduledAt: '2026-11-24T08:00', emergency: true,
  };
  const made = await page.request.post('/api/v1/orders', { data: order });
  expect(made.ok(), `the order is made, not ${made.status()}`);
  const exam = (await made.json()) as Exam;
  const { studyUid, file } = smallStudy({ patientId: `UNKNOWN${tail}`, patientName: 'UNKNOWN', birthDate: '', sex: '', accessionNumber: '', modality: 'CT' });
  const stored = await page.request.post('/dicomweb/studies', stowBody(file));
  expect(stored.ok(), `the image is taken, not ${stored.status()}`);

  await page.goto('/unmatched');
  const row = rows(page).filter({ hasText: `UNKNOWN${tail}` });
  await row.click();
  const panel = page.getByRole('complementary', { name: 'Chỉ định có thể khớp' });
  const find = panel.getByLabel('Tìm chỉ định khác: số chỉ định, tên, mã người bệnh…');
  await find.fill('khong co ai ten nay');
  await panel.getByText('Không có chỉ định nào khớp.').waitFor();
  await find.fill(`ly thi ghep GH${tail}`);
  await panel.getByText(exam.accessionNumber).waitFor();
  await shot('unmatched-search');
  await panel.getByLabel('Lý do ghép (nếu thông tin khác nhau)').fill('cấp cứu, chưa rõ tên lúc chụp');
  await page.keyboard.press('Escape');
  await page.keyboard.press('1');
  await page.getByText('Đã ghép UNKNOWN').waitFor();
  const acts = async (): Promise<StudyAct[]> => ((await (await page.request.get(`/api/v1/studies/${studyUid}/acts`)).json()) as { items: StudyAct[] }).items;
  expect((await acts())[0]?.reason === 'cấp cứu, chưa rõ tên lúc chụp', 'a key says the reason that was typed');

  await page.goto(`/studies/${studyUid}/corrections`);
  const matched = page.getByRole('region', { name: 'Ca đã ghép với một chỉ định.' });
  await matched.getByLabel('Lý do bỏ ghép').fill('ghép nhầm người');
  await shot('matched');
  await matched.getByRole('button', { name: 'Bỏ ghép' }).click();
  await page.locator('[role="status"]', { hasText: 'Đã bỏ ghép' }).waitFor();
  await matched.waitFor({ state: 'detached' });
  expect((await acts())[0]?.reason === 'ghép nhầm người', 'and so does taking it apart');
  await page.keyboard.press('Control+z');
  await matched.waitFor();
  expect((await acts())[0]?.kind === 'study.link', 'the way back joins them again');
  await page.goto('/search');
}
