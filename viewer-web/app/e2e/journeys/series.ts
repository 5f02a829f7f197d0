import type { Page, Request } from 'playwright-core';
import type { ViewportElement } from '../../src/pages/viewer/engine/StackView';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { sendImage, shown, storedFrame } from '../images';
import { signIn } from './signIn';

const images = 60;

/** On a fast line a series comes in one answer; an image that somebody goes to meanwhile does not wait for it. */
export async function series(page: Page, environment: Environment): Promise<string> {
  await signIn(page, environment);
  await rememberFastLine(page);
  const study = await sendImage(page, 'CHUOI', { side: 256, images });
  const alone = new Set<string>();
  const whole: Request[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/pixeldata')) whole.push(request);
    else if (request.url().includes('/frames/')) alone.add(request.url());
  });
  const begin = await held(page);
  await page.goto(`/viewer/${study}`);
  await eventually('the series is asked for', async () => whole.length === 1);
  await goTo(page, images - 1);
  await eventually('the last image is there before the series', async () => (await here(page)) === images - 1);
  begin();
  await eventually('the series has ended', async () => (await whole[0]?.response())?.finished().then(() => true) ?? false);
  await page.getByText(/^Đã tải \d/).waitFor({ state: 'detached' });
  expect((await page.getByText('không tải được').count()) === 0, 'no image failed to load');
  expect(whole.length === 1 && alone.size === 2, `${images} images come in one answer and two more, not in ${whole.length} and ${alone.size}`);
  await goTo(page, images / 2);
  await eventually('an image of the series is shown', async () => (await here(page)) === images / 2);
  expect(alone.size === 2, 'it was there');
  const { values, wrong } = await storedFrame(await shown(page));
  expect(wrong === 0, `it is what was stored: ${wrong} of ${values} values differ`);
  return `${whole.length + 2} requests for ${images} images`;
}

/** The browser remembers a fast line, and measures none: on a busy machine the first image might seem slow. */
async function rememberFastLine(page: Page): Promise<void> {
  await page.addInitScript(() => {
    localStorage.setItem('sen.line', '100000000');
    window.PerformanceObserver.prototype.observe = () => undefined;
  });
}

/** Holds answers for whole series back until what it gives is called. */
async function held(page: Page): Promise<() => void> {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  await page.route('**/pixeldata', async (route) => {
    await begun;
    await route.continue();
  });
  return begin;
}

async function goTo(page: Page, index: number): Promise<void> {
  await page.evaluate((to) => document.querySelector<ViewportElement>('[data-cell]')?.viewport?.setImageIdIndex(to), index);
}

/** The place of the image on the screen. */
async function here(page: Page): Promise<number> {
  return page.evaluate(() => {
    const viewport = document.querySelector<ViewportElement>('[data-cell]')?.viewport;
    return viewport?.getImageIds().indexOf(viewport.getCornerstoneImage()?.imageId ?? '') ?? -1;
  });
}
