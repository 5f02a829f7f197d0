import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { expect } from '../expect';
import { signIn } from './signIn';

/** Sign-in, search and the pages about the archive on a phone of 360x740: nothing hangs over, a tap shows the preview. */
export async function phone(page: Page, environment: Environment): Promise<void> {
  await page.goto('/sign-in');
  await fits(page, 'sign-in');
  await signIn(page, environment);
  await page.locator('[role="row"][aria-rowindex]').first().click();
  await page.getByRole('button', { name: 'Mở ảnh' }).waitFor();
  await fits(page, 'search');
  for (const path of ['/worklist', '/unmatched/rejected', '/reconciliation', '/queue', '/queue/notices', '/queue/archives', '/queue/routes', '/devices', '/storage', '/storage/intakes']) {
    await page.goto(path);
    await page.locator('[role="grid"], form, strong').first().waitFor();
    await fits(page, path);
    if (path === '/queue') await acts(page);
    if (environment.shots) await page.screenshot({ path: `${environment.shots}/phone${path.replaceAll('/', '-')}.png` });
  }
  // Why something does not go is more than a line.
  await page.goto('/storage');
  await page.locator('[role="row"][aria-rowindex]').filter({ hasText: 'Thất bại' }).click();
  await page.getByRole('note').getByText('Chọn nơi khác trong backup_url').waitFor();
  await fits(page, 'why a backup failed');
  if (environment.shots) await page.screenshot({ path: `${environment.shots}/phone-backup.png` });
  await page.goto('/storage/intakes');
  await page.locator('[role="row"][aria-rowindex]').filter({ hasText: 'Xong, còn thiếu' }).click();
  await page.getByText('bỏ qua: Không phải tệp DICOM').waitFor();
  await fits(page, 'what was not taken');
  if (environment.shots) await page.screenshot({ path: `${environment.shots}/phone-not-taken.png` });
}

/** Without keys, and without room for them on the row, acts stand beside what is known of it. */
async function acts(page: Page): Promise<void> {
  await page.locator('[role="row"][aria-rowindex]').first().click();
  await page.getByRole('complementary').getByRole('button', { name: 'Hủy' }).waitFor();
  await fits(page, 'what is known of a transfer');
}

async function fits(page: Page, what: string): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(!over, `${what} is no wider than a phone`);
}
