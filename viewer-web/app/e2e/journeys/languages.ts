import type { Page } from 'playwright-core';

/** English and back; the choice outlives a reload. */
export async function languages(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await page.getByRole('link', { name: 'Exam search' }).waitFor();
  await page.reload();
  await page.getByRole('link', { name: 'Exam search' }).waitFor();
  await page.getByRole('button', { name: 'VI', exact: true }).click();
  await page.getByRole('link', { name: 'Tra cứu ca chụp' }).waitFor();
}
