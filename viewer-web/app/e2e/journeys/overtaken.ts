import type { Page } from 'playwright-core';
import type { ViewportElement } from '../../src/pages/viewer/engine/StackView';
import { eventually, expect } from '../expect';
import { sendImage } from '../images';

const side = 256;

/** A series that comes late, when another is looked at already, changes nothing of what is done with that. */
export async function overtaken(page: Page): Promise<string> {
  const study = await sendImage(page, 'MUON', { side, series: 2, images: 3 });
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/\.2\.1\/instances\/[0-9.]+\/frames\//, async (route) => {
    await released;
    await route.continue();
  });
  const late = page.waitForRequest(/\.2\.1\/instances\/[0-9.]+\/frames\//);
  await page.goto(`/viewer/${study}`);
  await late;
  await page.keyboard.press('ArrowRight');
  await eventually('the second series is there', async () => (await shownSeries(page)) === '2');
  await page.keyboard.press('ArrowDown');
  await page.getByText('2/3', { exact: true }).waitFor();
  await page.keyboard.press('KeyI');
  await page.getByText('đảo màu').waitFor();
  const come = page.waitForResponse(/\.2\.1\/instances\/[0-9.]+\/frames\//);
  release();
  await (await come).finished();
  await page.keyboard.press('ArrowDown');
  await page.getByText('3/3', { exact: true }).waitFor();
  expect((await shownSeries(page)) === '2' && (await page.getByText('đảo màu').isVisible()), 'the second series stays, as it was set');
  await page.keyboard.press('KeyD');
  await eventually('an image pixel is a pixel of the screen', async () => Math.abs((await shownWidth(page)) - side) < 1);
  await page.keyboard.press('ArrowLeft');
  await eventually('the first series is there', async () => (await shownSeries(page)) === '1');
  await page.keyboard.press('ArrowRight');
  await eventually('the second series is there again', async () => (await shownSeries(page)) === '2');
  await page.getByText('3/3', { exact: true }).waitFor();
  await page.unroute(/\.2\.1\/instances\/[0-9.]+\/frames\//);
  await page.goto('/search');
  return 'the second series was left where it stood';
}

/** The number of the series whose image is on the screen. */
async function shownSeries(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const imageId = document.querySelector<ViewportElement>('[data-cell]')?.viewport?.getCornerstoneImage()?.imageId;
    return /\.2\.(\d+)\/instances/.exec(imageId ?? '')?.[1];
  });
}

/** How many pixels of the screen the image is wide. */
async function shownWidth(page: Page): Promise<number> {
  return page.evaluate(() => {
    const viewport = document.querySelector<ViewportElement>('[data-cell]')?.viewport;
    const { imageData, dimensions } = viewport?.getImageData() ?? {};
    if (!viewport || !imageData || !dimensions) return 0;
    const [left, right] = [0, dimensions[0]].map((column) => viewport.worldToCanvas(imageData.indexToWorld?.([column, 0, 0]) as [number, number, number]));
    return left && right ? Math.hypot(right[0] - left[0], right[1] - left[1]) * window.devicePixelRatio : 0;
  });
}
