import type { Page } from 'playwright-core';
import type { Page as Rows, Study } from '../../src/api/types';
import type { Environment } from '../environment';
import { smallSeries, stowBody } from '../dicom';
import { eventually, expect } from '../expect';
import { shootBoth } from '../shots';

const rows = (page: Page) => page.locator('[role="row"][aria-rowindex]');

/** Images are rejected by keys, an image, a series and the whole exam; found on the list of what is rejected, and restored. */
export async function rejecting(page: Page, { shots }: Environment): Promise<void> {
  const shot = (name: string): Promise<void> => shootBoth(page, shots, name);
  const patientId = `LO${Date.now() % 1_000_000}`;
  const { studyUid, files } = smallSeries({ patientId, patientName: 'ĐỖ^VĂN LOẠI', birthDate: '19710203', sex: 'M', accessionNumber: '', modality: 'CT', side: 64 }, 3, 2);
  const answer = await page.request.post('/dicomweb/studies', stowBody(...files));
  expect(answer.ok(), `the images are taken, not ${answer.status()}`);
  const shown = async (): Promise<number> => {
    const { items } = (await (await page.request.post('/api/v1/studies/search', { data: { q: patientId } })).json()) as Rows<Study>;
    return items[0]?.instanceCount ?? 0;
  };
  const said = (text: string | RegExp) => page.locator('[role="status"]', { hasText: text }).waitFor();
  const history = page.getByRole('complementary', { name: 'Lịch sử' });
  const hidden = page.getByRole('region', { name: 'Đang bị loại' });

  // Two images of a series.
  await page.goto(`/studies/${studyUid}/corrections`);
  await page.getByRole('tab', { name: 'Loại ảnh' }).waitFor();
  await page.keyboard.press('4');
  await hidden.getByText('Không có ảnh nào của ca này bị loại.').waitFor();
  await page.getByRole('checkbox').first().focus();
  await page.keyboard.press('Space');
  await page.getByLabel('Chỉ một số ảnh của chuỗi này').fill('1-2');
  expect(await page.getByRole('button', { name: /^Loại 2 ảnh/ }).isDisabled(), 'nothing is rejected without a reason');
  await page.getByLabel('Chất lượng ảnh kém').check();
  await shot('reject');
  await page.keyboard.press('Control+Enter');
  await said('Đã loại 2 ảnh');
  expect((await shown()) === 4, 'two of six images are hidden');
  await hidden.getByText('2/3 ảnh bị loại').waitFor();
  await history.getByText('Loại ảnh').first().waitFor();
  await history.getByText('Chất lượng ảnh kém').first().waitFor();
  expect((await history.getByText('Rejected for Quality Reasons').count()) === 0, 'the history speaks the language of its reader');
  await page.keyboard.press('Control+z');
  await said('Đã hoàn tác');
  expect((await shown()) === 6, 'they are back');

  // All of it: the page stays where the way back is.
  await page.getByText('Cả ca', { exact: true }).click();
  await page.getByLabel('An toàn (nhầm người, nhầm bên)').check();
  await page.keyboard.press('Control+Enter');
  await said('Đã loại 6 ảnh');
  await hidden.getByText(/^Cả ca này đã bị loại/).waitFor();
  expect((await shown()) === 0, 'no list has it');
  await shot('rejected-whole');

  await page.goto('/unmatched');
  await page.getByRole('link', { name: 'Ảnh đã loại' }).click();
  const row = rows(page).filter({ hasText: patientId });
  await row.getByText('6 · cả ca').waitFor();
  await shot('rejected');
  await row.click();
  await page.keyboard.press('Enter');
  await hidden.getByText(/^Cả ca này đã bị loại/).waitFor();
  const back = hidden.getByRole('button', { name: 'Khôi phục', exact: true });
  expect(await back.first().isDisabled(), 'nothing is restored without a reason');
  await hidden.getByLabel('Lý do khôi phục').fill('Loại nhầm chuỗi');
  await shot('restore');
  await back.first().click();
  await said('Đã khôi phục 3 ảnh');
  expect((await hidden.getByLabel('Lý do khôi phục').inputValue()) === '', 'the next one has a reason of its own');
  await page.getByRole('tab', { name: 'Sửa thông tin' }).waitFor();
  expect((await shown()) === 3, 'a series of it is shown again');
  await history.getByText('Khôi phục chuỗi ảnh').first().waitFor();
  await history.getByText('Loại nhầm chuỗi').waitFor();

  await page.goto('/unmatched/rejected');
  await row.getByText('3 · còn 3').waitFor();
  await row.click();
  const why = row.getByLabel('Lý do khôi phục');
  await page.keyboard.press('1');
  await why.waitFor();
  await page.keyboard.type('bên 1');
  await page.keyboard.press('Escape');
  await eventually('the row is left as it was', async () => (await why.count()) === 0);
  // The list has its keys again.
  await restoreByKeys(page, 'Đã hội chẩn');
  await said('Đã khôi phục 3 ảnh');
  // What was done is said in the language at hand.
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await said('Images restored: 3');
  await page.getByRole('button', { name: 'VI', exact: true }).click();
  await eventually('it has left the list', async () => (await row.count()) === 0);
  expect((await shown()) === 6, 'all of it is shown');
  await page.keyboard.press('Control+z');
  await row.waitFor();
  await row.click();
  await restoreByKeys(page, 'Đã hội chẩn lại');
  await eventually('and again', async () => (await row.count()) === 0);
  const acts = await (await page.request.get(`/api/v1/studies/${studyUid}/acts`)).text();
  expect(acts.includes('Đã hội chẩn lại'), 'the history has the reason');

  // What somebody else rejects is told of, and what they restore goes by itself.
  const rejections = `/api/v1/studies/${studyUid}/rejections`;
  await page.request.post(rejections, { data: { code: '113001', all: true } });
  const fresh = page.getByRole('button', { name: /^\d+ ca mới/ });
  await fresh.or(row).first().waitFor();
  // Nothing moves in a list that has others; an empty one shows it at once.
  if ((await row.count()) === 0) await fresh.click();
  await row.getByText('6 · cả ca').waitFor();
  await page.request.post(`${rejections}/restore`, { data: { reason: 'Người khác khôi phục' } });
  await eventually('it has gone without a look', async () => (await row.count()) === 0);
}

/** Restores the selected row. */
async function restoreByKeys(page: Page, reason: string): Promise<void> {
  await page.keyboard.press('1');
  await page.getByLabel('Lý do khôi phục').waitFor();
  await page.keyboard.type(reason);
  await page.keyboard.press('Enter');
}
