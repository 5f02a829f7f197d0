import type { Page } from 'playwright-core';
import { eventually, expect } from '../expect';
import { openAt, sendImage, shown, storedFrame } from '../images';

/** Bytes a second at which frames come compressed, and as they lie. */
const rates = { 'HTJ2K': 5_000_000, 'as stored': 100_000_000 };

/** What stands above the stored bits is no part of a value, in whichever form an image comes. */
export async function overlay(page: Page): Promise<string> {
  const notes: string[] = [];
  for (const [form, rate] of Object.entries(rates)) {
    const study = await sendImage(page, 'LOP PHU', { side: 64, overlay: true });
    // Leaving the viewer would remember another rate.
    await page.goto('/devices');
    const frame = page.waitForResponse((response) => response.url().includes('/frames/'));
    await openAt(page, study, rate);
    const type = (await frame).headers()['content-type'] ?? '';
    expect(/\.4\.20\d/.test(type) === (form === 'HTJ2K'), `the frame comes ${form}, not as ${type}`);
    await eventually('the image is there', () => shown(page).then(() => true, () => false));
    const image = await shown(page);
    const { values, wrong } = await storedFrame(image, 12);
    expect(wrong === 0, `the image is what was stored: ${wrong} of ${values} values differ`);
    const most = await image.evaluate(({ maxPixelValue }) => maxPixelValue);
    expect(most < 4096, `the greatest value is of twelve bits: ${most}`);
    notes.push(`${form}: up to ${most}`);
  }
  await page.goto('/search');
  return notes.join(', ');
}
