import type { Page } from 'playwright-core';
import { expect } from '../expect';

/** The remaining pages stand, and an address that is no page says so. */
export async function pages(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Ảnh chưa ghép' }).click();
  await page.locator('[role="grid"], strong').first().waitFor();
  await page.getByRole('link', { name: 'Thiết bị' }).click();
  await page.getByText('Khai báo trên máy chụp').waitFor();
  for (const path of ['/worklist', '/orders/new', '/unmatched', '/unmatched/rejected', '/reconciliation', '/queue', '/queue/notices', '/queue/archives', '/queue/routes', '/devices', '/storage', '/storage/intakes']) {
    await page.goto(path);
    await page.getByRole('navigation').first().waitFor();
    const over = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(!over, `${path} is no wider than the screen`);
  }
  const missing = await page.request.get('/assets/missing.js');
  expect(missing.status() === 404, 'a missing asset is 404');
}
