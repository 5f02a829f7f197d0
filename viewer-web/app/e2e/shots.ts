import type { Page } from 'playwright-core';

/** Pictures a page in both languages, where a folder for pictures is given; the page is left in Vietnamese. */
export async function shootBoth(page: Page, folder: string | null, name: string): Promise<void> {
  if (!folder) return;
  for (const language of ['EN', 'VI']) {
    await page.getByRole('button', { name: language, exact: true }).click();
    await page.screenshot({ path: `${folder}/${name}-${language.toLowerCase()}.png` });
  }
}
