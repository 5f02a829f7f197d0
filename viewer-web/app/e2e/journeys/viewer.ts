import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { Page as Rows, Study } from '../../src/api/types';
import type { ViewportElement } from '../../src/pages/viewer/engine/StackView';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';

/** The true values of one image, in the units of its modality (HU for CT), row by row. */
interface ExpectedImage {
  studyUid: string;
  sopInstanceUid: string;
  values: number[];
}

/** Opens a CT from the list, sees its pixels, scrolls, uses windows and layouts by key, and comes back to the same row. */
export async function viewer(page: Page, environment: Environment): Promise<string> {
  const study = await someCt(page);
  await page.goto('/search');
  await page.locator('input[enterkeyhint="search"]').fill(study.accessionNumber || study.patient.id);
  const row = page.locator('[role="row"][aria-rowindex]', { hasText: study.patient.id }).filter({ hasText: 'CT' }).first();
  await row.click();
  await page.locator('figure').first().waitFor();
  const began = Date.now();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/viewer/**');
  await eventually('an image is drawn', () => drawn(page));
  const firstImageMs = Date.now() - began;

  await page.getByText(/^1\/\d+$/).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.getByText(/^2\/\d+$/).waitFor();
  await page.keyboard.press('Digit5');
  await page.getByText('R 1500 T -600').waitFor();
  await page.keyboard.press('KeyI');
  await page.getByText('đảo màu').waitFor();
  await page.keyboard.press('KeyX');
  await page.keyboard.press('Shift+Digit4');
  await eventually('four cells', async () => (await page.locator('[data-cell], [class*="message"]').count()) >= 4);
  await page.keyboard.press('Shift+Digit1');
  await page.keyboard.press('Shift+Slash');
  await page.getByRole('heading', { name: 'Bảng phím' }).waitFor();
  await page.keyboard.press('Escape');
  await eventually('all images are loaded', async () => (await page.getByText(/^Đã tải \d/).count()) === 0, 120_000);
  expect((await page.getByText('không tải được').count()) === 0, 'no image failed to load');
  if (environment.shots) await page.screenshot({ path: `${environment.shots}/viewer.png` });
  if (environment.expected) await comparePixels(page, environment.expected);
  else await page.keyboard.press('Escape');
  await page.goto('/search');
  return `first image after ${firstImageMs} ms`;
}

async function someCt(page: Page): Promise<Study> {
  const { items } = (await (await page.request.get('/api/v1/studies?modality=CT&limit=50')).json()) as Rows<Study>;
  const study = items.find(({ instanceCount }) => instanceCount > 5);
  expect(study, 'the archive holds a CT of several images');
  return study;
}

/** More than a handful of grey levels across the middle of the first cell: an image, not a ground. The canvas is read when there is something on it, and little of it: reading makes the drawing wait. */
async function drawn(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const cell = document.querySelector<ViewportElement>('[data-cell]');
    if (!cell?.viewport?.getCornerstoneImage()) return false;
    const canvas = cell.querySelector('canvas');
    const pen = canvas?.getContext('2d');
    if (!canvas || !pen || canvas.width === 0) return false;
    const { data } = pen.getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1);
    const levels = new Set<number>();
    for (let at = 0; at < data.length; at += 4) levels.add(data[at] ?? 0);
    return levels.size > 16;
  });
}

/** Every value that cornerstone holds of one image against the values another decoder found. */
async function comparePixels(page: Page, path: string): Promise<void> {
  const image = JSON.parse(readFileSync(path, 'utf8')) as ExpectedImage;
  await page.goto(`/viewer/${image.studyUid}`);
  await eventually('the compared study is drawn', () => drawn(page));
  const values = await page.evaluate(async (sopInstanceUid) => {
    const viewport = document.querySelector<ViewportElement>('[data-cell]')?.viewport;
    const index = viewport?.getImageIds().findIndex((id) => id.includes(`/instances/${sopInstanceUid}/`)) ?? -1;
    if (!viewport || index < 0) return null;
    await viewport.setImageIdIndex(index);
    return [...viewport.getCornerstoneImage().getPixelData()];
  }, image.sopInstanceUid);
  expect(values, `${image.sopInstanceUid} is in the shown stack`);
  expect(values.length === image.values.length, `${image.values.length} values, not ${values.length}`);
  const differing = values.filter((value, at) => value !== image.values[at]).length;
  expect(differing === 0, `every value is right: ${differing} of ${values.length} differ`);
}
