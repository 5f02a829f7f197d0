import type { Page, Request } from 'playwright-core';
import type { ViewportElement } from '../../src/pages/viewer/engine/StackView';
import { eventually, expect } from '../expect';
import { sendImage, shown, storedFrame } from '../images';

const frames = 60;

/** The frames of one object come many in a request, and each in its place. */
export async function film(page: Page): Promise<string> {
  const study = await sendImage(page, 'PHIM', { side: 256, frames });
  const asked: string[] = [];
  const count = (request: Request): void => void (request.url().includes('/frames/') && asked.push(request.url()));
  page.on('request', count);
  await page.goto(`/viewer/${study}`);
  await page.getByText(`1/${frames}`, { exact: true }).waitFor();
  await eventually('all frames are loaded', async () => (await page.getByText(/^Đã tải \d/).count()) === 0);
  page.off('request', count);
  expect((await page.getByText('không tải được').count()) === 0, 'no frame failed to load');
  expect(asked.length < frames / 4, `${frames} frames come in a few requests, not in ${asked.length}`);
  await page.evaluate((last) => document.querySelector<ViewportElement>('[data-cell]')?.viewport?.setImageIdIndex(last), frames - 1);
  const { values, wrong } = await storedFrame(await shown(page));
  expect(wrong === 0, `the last frame is what was stored: ${wrong} of ${values} values differ`);
  await page.goto('/search');
  return `${asked.length} requests for ${frames} frames`;
}
