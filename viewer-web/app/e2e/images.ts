/** Images that journeys send and find again on the screen. */
import type { JSHandle, Page } from 'playwright-core';
import type { ViewportElement } from '../src/pages/viewer/engine/StackView';
import { smallSeries, stowBody, type ImageOf } from './dicom';
import { expect } from './expect';

/** What cornerstone holds of an image. */
export type Image = ReturnType<NonNullable<ViewportElement['viewport']>['getCornerstoneImage']>;

type Size = Pick<ImageOf, 'side' | 'frames' | 'overlay'> & { series?: number; images?: number };

/** Sends a study, of one series of one object unless said otherwise, as a device would; answers its Study Instance UID. */
export async function sendImage(page: Page, name: string, { series = 1, images = 1, ...size }: Size): Promise<string> {
  const { studyUid, files } = smallSeries({
    patientId: `ANH${Date.now() % 1_000_000}`, patientName: `ANH GUI^${name}`, birthDate: '19700102', sex: 'F', accessionNumber: '', modality: 'CT', ...size,
  }, images, series);
  const { data, headers } = stowBody(...files);
  const answer = await page.request.post('/dicomweb/studies', { data, headers });
  expect(answer.ok(), `the image is taken, not ${answer.status()}`);
  return studyUid;
}

/** The image in the first cell, which stays what it is when another comes in its place. */
export async function shown(page: Page): Promise<JSHandle<Image>> {
  return page.evaluateHandle(() => {
    const image = document.querySelector<ViewportElement>('[data-cell]')?.viewport?.getCornerstoneImage();
    if (!image) throw new Error('there is no image');
    return image;
  });
}

/** Opens a study in a browser that remembers how fast its line was. */
export async function openAt(page: Page, studyUid: string, bytesPerSecond: number): Promise<void> {
  await page.evaluate((rate) => localStorage.setItem('sen.line', String(rate)), bytesPerSecond);
  await page.goto(`/viewer/${studyUid}`, { waitUntil: 'commit' });
}

/** How many values of an image without rescaling are not those of its stored frame, of which so many bits are stored. */
export async function storedFrame(image: JSHandle<Image>, bits = 16): Promise<{ values: number; wrong: number }> {
  return image.evaluate(async ({ imageId, getPixelData }, mask) => {
    const values = getPixelData();
    const answer = await fetch(imageId.replace('wadors:', ''), { headers: { Accept: 'application/octet-stream; transfer-syntax=*' } });
    const stored = new Uint16Array(await answer.arrayBuffer());
    let wrong = Math.abs(stored.length - values.length);
    values.forEach((value, at) => {
      if (value !== ((stored[at] ?? 0) & mask)) wrong += 1;
    });
    return { values: values.length, wrong };
  }, 2 ** bits - 1);
}
