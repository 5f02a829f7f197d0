import { join } from 'node:path';
import type { APIResponse, Page } from 'playwright-core';
import { stowBody } from '../dicom';
import type { Environment } from '../environment';
import { expect } from '../expect';
import { sendImage } from '../images';
import type { LoadedImage, Way } from '../loader/page';
import { place } from '../loader/place';
import { signIn } from './signIn';

const ways: readonly Way[] = ['whole', 'streamed', 'ranges'];
const images = 3;
const htj2k = '1.2.840.10008.1.2.4.202';
/** Bytes a second: an image of 2 MiB comes in many pieces. */
const slow = 500_000;
/** cornerstone's numbers for a coarse picture and for the image itself. */
const coarse = 6;
const whole = 8;

/** cornerstone's own loader, as other viewers have it, takes metadata and frames from the server, and HTJ2K while it comes. */
export async function loader(page: Page, environment: Environment): Promise<string> {
  await signIn(page, environment);
  const plain = await sendImage(page, 'BO TAI', { side: 128, images });
  const studies = { plain, packed: await inHtj2k(page, plain), large: await inHtj2k(page, await sendImage(page, 'BO TAI LON', { side: 1024 })) };
  try {
    await page.route(`**${place}**`, (route) => route.fulfill({ path: join(environment.loader, new URL(route.request().url()).pathname.slice(place.length)) }));
    await page.goto(`${place}index.html`);
    await page.waitForFunction(() => 'loadStudy' in window);
    for (const way of ways) {
      for (const [study, syntax] of [[studies.plain, ''], [studies.packed, htj2k]] as const) {
        const loaded = await load(page, study, way);
        expect(loaded.length === images, `${images} images come ${way}, not ${loaded.length}`);
        for (const image of loaded) isWhole(image, way, syntax);
      }
    }
    const network = await page.context().newCDPSession(page);
    await network.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput: slow, uploadThroughput: slow });
    const [image] = await load(page, studies.large, 'streamed');
    await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    expect(image, 'the large image comes');
    isWhole(image, 'streamed', htj2k);
    expect(image.qualities[0] === coarse, `it is there coarsely before: ${image.qualities.join(', ')}`);
    return `${ways.length * 2 * images + 1} images`;
  } finally {
    await page.unroute(`**${place}**`);
  }
}

function isWhole({ qualities, transferSyntax, values, wrong }: LoadedImage, way: Way, syntax: string): void {
  expect(qualities.at(-1) === whole, `an image that came ${way} is the image itself: ${qualities.join(', ')}`);
  expect(wrong === 0, `${wrong} of ${values} values that came ${way} are not those of the frame`);
  expect(!syntax || transferSyntax === syntax, `it comes as it is stored, not in ${transferSyntax}`);
}

function load(page: Page, study: string, way: Way): Promise<LoadedImage[]> {
  return page.evaluate(([uid, how]) => window.loadStudy(uid, how), [study, way] as const);
}

/** Sends a copy of a study that is stored in HTJ2K, which the server makes of it; answers its Study Instance UID. */
async function inHtj2k(page: Page, studyUid: string): Promise<string> {
  const root = studyUid.replace(/\.1$/, '');
  // Of the same length: every element stays where it is.
  const other = `${root.slice(0, -1)}${(Number(root.at(-1)) + 1) % 10}`;
  const found = (await well(await page.request.get(`/dicomweb/studies/${studyUid}/instances`)).json()) as { '00081190': { Value: string[] } }[];
  const files = await Promise.all(found.map(async (instance) => {
    const headers = { Accept: `application/dicom; transfer-syntax=${htj2k}` };
    const file = await well(await page.request.get(instance['00081190'].Value[0] ?? '', { headers })).body();
    return Buffer.from(file.toString('latin1').replaceAll(root, other), 'latin1');
  }));
  const { data, headers } = stowBody(...files);
  well(await page.request.post('/dicomweb/studies', { data, headers }));
  return `${other}.1`;
}

function well(answer: APIResponse): APIResponse {
  expect(answer.ok(), `${answer.url()} is answered, not with ${answer.status()}`);
  return answer;
}
