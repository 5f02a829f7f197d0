import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';

const rows = (page: Page) => page.locator('[role="grid"] [role="row"][aria-rowindex]');

/** Asks another archive (the server itself, under its own title) what it has, and makes, stops and removes a rule. */
export async function archives(page: Page, { shots }: Environment): Promise<void> {
  const { items } = (await (await page.request.get('/api/v1/studies?limit=50')).json()) as { items: { patient: { id: string } }[] };
  const patientId = items[0]?.patient.id;
  expect(patientId, 'the archive holds a patient');
  await page.goto('/queue/archives');
  await page.getByRole('combobox', { name: 'PACS cần hỏi' }).click();
  await page.getByRole('option', { name: /^SEN / }).click();
  await page.getByRole('textbox', { name: 'Mã người bệnh' }).fill(patientId);
  await page.keyboard.press('Enter');
  await rows(page).filter({ hasText: patientId }).first().waitFor();
  await rows(page).first().getByText('Đã có đủ').waitFor();
  // Esc leads from the form to what was found.
  await page.keyboard.press('ArrowDown');
  expect((await page.locator('[role="row"][aria-selected="true"]').count()) === 0, 'keys are letters in a box');
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowDown');
  await page.locator('[role="row"][aria-selected="true"]').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/archives-vi.png` });
  await page.getByRole('combobox', { name: 'PACS cần hỏi' }).click();
  await page.getByRole('option', { name: /^PACS_TINH / }).click();
  await page.getByRole('button', { name: 'Hỏi', exact: true }).click();
  await page.getByText('Không kết nối được').waitFor();
  await page.getByText('không có gì nghe ở cổng này').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/archives-unreachable-vi.png` });

  await page.getByRole('link', { name: 'Quy tắc gửi' }).click();
  await page.getByRole('button', { name: 'Thêm quy tắc' }).click();
  await page.getByRole('textbox', { name: 'Tên quy tắc' }).fill('CT đêm');
  await page.getByRole('combobox', { name: 'Gửi tới' }).click();
  await page.getByRole('option', { name: 'PACS_TINH' }).click();
  const hours = page.getByRole('textbox', { name: 'Giờ về' });
  await hours.fill('18:00-06:00');
  if (shots) await page.screenshot({ path: `${shots}/routes-vi.png` });
  await page.getByRole('button', { name: 'Lưu' }).click();
  const rule = rows(page).filter({ hasText: 'CT đêm' });
  await rule.getByText('Giờ về: 18:00-06:00').waitFor();
  await rule.click();
  await page.keyboard.press('1');
  await rule.getByText('Đang tắt').waitFor();
  await page.keyboard.press('Control+z');
  await rule.getByText('Đang chạy').waitFor();
  await page.keyboard.press('2');
  await eventually('the rule is gone', async () => (await rule.count()) === 0);
  await page.keyboard.press('Control+z');
  await rule.waitFor();
  if (shots) await inEnglish(page, shots);
  await page.request.delete(`/api/v1/routes/${encodeURIComponent('CT đêm')}`);
}

async function inEnglish(page: Page, shots: string): Promise<void> {
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await page.screenshot({ path: `${shots}/routes-en.png` });
  await page.getByRole('link', { name: 'Query another PACS' }).click();
  await page.screenshot({ path: `${shots}/archives-en.png` });
  await page.getByRole('button', { name: 'VI', exact: true }).click();
}
