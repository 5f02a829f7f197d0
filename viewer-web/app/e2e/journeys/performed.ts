import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { pageTo } from './order';

const rows = (page: Page) => page.locator('[role="grid"] [role="row"][aria-rowindex]');

/** What a console reported stands beside its exam, and waits for the device that wants to hear it and is away. */
export async function performed(page: Page, { performedAccession, shots }: Environment): Promise<string | void> {
  if (performedAccession === null) return 'no console has reported anything';
  await page.getByRole('link', { name: 'Danh sách thực hiện' }).click();
  const row = rows(page).filter({ hasText: performedAccession });
  await pageTo(page, row);
  await row.click();
  const steps = page.getByRole('region', { name: 'Máy chụp báo (MPPS)' });
  await steps.getByText('Đã chụp xong').waitFor();
  await steps.getByText('DLP 412 mGy.cm').waitFor();
  await steps.getByText('Đang chụp').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/performed-vi.png` });

  await page.getByRole('link', { name: 'Hàng gửi' }).click();
  await page.getByRole('link', { name: 'Báo tin' }).click();
  const waiting = rows(page).filter({ hasText: 'Tiến trình chụp (MPPS)' }).filter({ hasText: 'HIS' });
  await waiting.first().getByText('Không kết nối được').waitFor();
  expect((await waiting.count()) === 3, 'two begun and one ended are to be told');
  await waiting.first().click();
  await page.getByRole('note').getByText('không có gì nghe ở cổng này').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/notices-vi.png` });
  await page.keyboard.press('2');
  await page.getByText('Đã hủy: Tiến trình chụp (MPPS) · HIS').waitFor();
  await eventually('two wait', async () => (await waiting.count()) === 2);
  await page.keyboard.press('Control+z');
  await eventually('three wait again', async () => (await waiting.count()) === 3);
  if (shots) {
    await page.getByRole('button', { name: 'EN', exact: true }).click();
    await page.screenshot({ path: `${shots}/notices-en.png` });
    await page.getByRole('button', { name: 'VI', exact: true }).click();
  }
}
