import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { expect } from '../expect';

/** The administrator sees room, the backup that was taken, why another was not, and that nothing is damaged; in both languages. */
export async function storage(page: Page, { shots }: Environment): Promise<void> {
  await page.getByRole('link', { name: 'Lưu trữ' }).first().click();
  await page.getByRole('heading', { name: 'Dung lượng' }).waitFor();
  const runs = page.getByRole('grid', { name: 'Các lần sao lưu' });
  await runs.getByText('Tốt').first().waitFor();
  expect((await page.getByText('Chưa có bản nào').count()) === 0, 'the backup is known');
  await runs.getByText('Nơi lưu này đang chứa bản sao của một kho Sen khác').click();
  await page.getByRole('note').getByText('Chọn nơi khác trong backup_url').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/storage-vi.png` });
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await page.getByRole('note').getByText('This place holds the backups of another Sen archive').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/storage-runs-en.png` });
  await page.getByText('Damaged images').last().click();
  await page.getByText('No damage is known').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/storage-en.png` });
  await page.getByRole('button', { name: 'VI', exact: true }).click();
  await page.getByRole('link', { name: 'Tra cứu ca chụp' }).click();
}
