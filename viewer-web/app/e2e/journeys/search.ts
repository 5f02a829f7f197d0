import type { Page } from 'playwright-core';
import { fold } from '../../src/format/fold';
import type { Page as Rows, Study } from '../../src/api/types';
import { eventually, expect } from '../expect';

/** Rows of the grid on the page. */
const rows = (page: Page) => page.locator('[role="grid"] [role="row"][aria-rowindex]');

/** Finds a patient by a name typed without marks; shows what there is when nothing is found; keeps rows dense. */
export async function search(page: Page): Promise<void> {
  const { items } = (await (await page.request.get('/api/v1/studies?limit=50')).json()) as Rows<Study>;
  expect(items.length > 0, 'the archive holds studies');
  await rows(page).first().waitFor();
  await expectDense(page, items.length);

  const sought = items.find(({ patient }) => fold(patient.name) !== patient.name.toLowerCase()) ?? items[0];
  expect(sought, 'a study to look for');
  await page.keyboard.press('/');
  await page.keyboard.type(fold(sought.patient.name));
  await eventually(`${sought.studyUid} is found by a name without marks`, async () => {
    const texts = await rows(page).allTextContents();
    return texts.length > 0 && texts.every((text) => fold(text).includes(fold(sought.patient.name))) && texts.some((text) => text.includes(sought.patient.id));
  });
  await page.keyboard.press('Escape');
  await page.keyboard.type('zzzzqqqq');
  await page.getByText('Không có ca nào khớp').waitFor();
  await page.keyboard.press('Escape');
  await rows(page).first().waitFor();
  await scan(page, items);

  await page.keyboard.press('F1');
  await page.getByRole('heading', { name: 'Bảng phím' }).waitFor();
  await page.keyboard.press('Escape');
  await eventually('the sheet of keys is closed', async () => (await page.getByRole('heading', { name: 'Bảng phím' }).count()) === 0);
}

/** A scanner types a number and Enter at once: the exam of that number opens, whatever was selected before. */
async function scan(page: Page, items: readonly Study[]): Promise<void> {
  const [first, ...others] = items;
  const numbers = new Map<string, number>();
  for (const { accessionNumber } of items) if (accessionNumber) numbers.set(accessionNumber, (numbers.get(accessionNumber) ?? 0) + 1);
  const scanned = others.find(({ accessionNumber, patient }) => accessionNumber && numbers.get(accessionNumber) === 1 && patient.id !== first?.patient.id);
  expect(scanned?.accessionNumber, 'another patient with an accession number of its own');
  await rows(page).first().click();
  await page.keyboard.press('/');
  await page.keyboard.insertText(scanned.accessionNumber);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/viewer/**');
  expect(page.url().endsWith(`/viewer/${scanned.studyUid}`), 'the scanned exam is opened');
  await page.getByRole('button', { name: 'Về danh sách' }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForURL('**/search');
  await page.locator('input[enterkeyhint="search"]').press('Escape');
}

/** At 1366x768 eighteen rows of 28 px are whole on the screen, and nothing hangs over its sides. */
async function expectDense(page: Page, count: number): Promise<void> {
  const seen = await page.evaluate(() => {
    const body = document.querySelector('[role="grid"] [role="rowgroup"]')?.getBoundingClientRect();
    const boxes = [...document.querySelectorAll('[role="row"][aria-rowindex]')].map((row) => row.getBoundingClientRect());
    return {
      whole: boxes.filter((box) => body && box.top >= body.top && box.bottom <= Math.min(body.bottom, window.innerHeight)).length,
      height: boxes[0]?.height,
      over: document.documentElement.scrollWidth > window.innerWidth,
    };
  });
  expect(seen.height === 28, `rows are 28 px high, not ${seen.height}`);
  expect(seen.whole >= Math.min(18, count), `18 rows are whole on the screen, not ${seen.whole}`);
  expect(!seen.over, 'the page is no wider than the screen');
}
