import type { JSHandle, Page } from 'playwright-core';
import type { ViewportElement } from '../../src/pages/viewer/engine/StackView';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { openAt, sendImage, shown, storedFrame, type Image } from '../images';
import { signIn } from './signIn';

/** cornerstone's numbers for a coarse picture and for the image itself. */
const coarse = 6;
const whole = 8;
/** Bytes a second: a coarse picture stands long enough to be looked at. */
const slow = 300_000;
const signs = { vi: 'Đang tải chi tiết…', en: 'Loading detail…' };

/** On a slow line an image is there coarsely first, says so, and then becomes exactly what was stored. In both languages. */
export async function slowLine(page: Page, environment: Environment): Promise<string> {
  await signIn(page, environment);
  const network = await page.context().newCDPSession(page);
  const line = (rate: number): Promise<unknown> => network.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput: rate, uploadThroughput: rate });
  // The decoder comes over the fast line: a hospital's browser has it.
  await openAt(page, await sendImage(page, 'MOT', { side: 1024 }), 1_000_000);
  await eventually('the first study is drawn', async () => (await quality(page)) === whole);
  const notes: string[] = [];
  // The second language only has other words: a quarter of the bytes is enough to see them.
  for (const [language, side] of [['vi', 1024], ['en', 512]] as const) {
    const study = await sendImage(page, language.toUpperCase(), { side });
    await page.evaluate((chosen) => localStorage.setItem('sen.language', chosen), language);
    // Nothing else is on the line.
    await page.goto('/devices');
    await line(slow);
    await openAt(page, study, slow);
    const sign = page.getByText(signs[language]);
    await eventually('a coarse picture is there, and says so', async () => (await quality(page)) === coarse && (await sign.isVisible()), 60_000);
    const before = await shown(page);
    if (environment.shots) await page.screenshot({ path: `${environment.shots}/slow-${language}-coarse.png` });
    await eventually('the image itself is there', async () => (await quality(page)) === whole, 60_000);
    await eventually('and nothing says that it is not', async () => !(await sign.isVisible()));
    const after = await shown(page);
    if (environment.shots) await page.screenshot({ path: `${environment.shots}/slow-${language}-whole.png` });
    await line(-1);
    const { values, later, wrong } = await compared(before, after);
    expect(later > values / 100, `the coarse picture is another one: ${later} of ${values} values differ`);
    expect(wrong === 0, `the image is what was stored: ${wrong} of ${values} values differ`);
    notes.push(`${later} of ${values} values came later`);
  }
  await page.evaluate(() => localStorage.setItem('sen.language', 'vi'));
  return notes.join(', ');
}

async function quality(page: Page): Promise<number | undefined> {
  return page.evaluate(() => document.querySelector<ViewportElement>('[data-cell]')?.viewport?.getCornerstoneImage()?.imageQualityStatus);
}

/** How many values of the image differ from those of its coarse picture, and from those of the stored frame. */
async function compared(before: JSHandle<Image>, after: JSHandle<Image>): Promise<{ values: number; later: number; wrong: number }> {
  const later = await after.evaluate((image, coarsely) => {
    const first = coarsely.getPixelData();
    let differing = 0;
    image.getPixelData().forEach((value, at) => {
      if (value !== first[at]) differing += 1;
    });
    return differing;
  }, before);
  return { ...(await storedFrame(after)), later };
}
