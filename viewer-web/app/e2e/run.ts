/** Walks through the pages of a running server in a real browser. Exit status 1 when anything was not as it should be. */
import type { Browser, Page } from 'playwright-core';
import { launch, watchedPage } from './browser';
import { environment, type Environment } from './environment';
import { abroad } from './journeys/abroad';
import { archives } from './journeys/archives';
import { corrections } from './journeys/corrections';
import { devices } from './journeys/devices';
import { film } from './journeys/film';
import { intakes } from './journeys/intakes';
import { languages } from './journeys/languages';
import { live } from './journeys/live';
import { loader } from './journeys/loader';
import { matching } from './journeys/matching';
import { order } from './journeys/order';
import { overlay } from './journeys/overlay';
import { overtaken } from './journeys/overtaken';
import { pages } from './journeys/pages';
import { performed } from './journeys/performed';
import { phone } from './journeys/phone';
import { queue } from './journeys/queue';
import { reconcile } from './journeys/reconcile';
import { rejecting } from './journeys/rejecting';
import { routes } from './journeys/routes';
import { search } from './journeys/search';
import { sending } from './journeys/sending';
import { series } from './journeys/series';
import { signInAfterMistake } from './journeys/signIn';
import { slowLine } from './journeys/slowLine';
import { storage } from './journeys/storage';
import { upload } from './journeys/upload';
import { viewer } from './journeys/viewer';

type Journey = (page: Page, environment: Environment) => Promise<string | void>;

const desk: Record<string, Journey> = {
  signIn: signInAfterMistake, languages, search, upload, viewer, film, overlay, overtaken, order, live, reconcile, queue, routes, archives, performed, sending, pages, storage, intakes, corrections, rejecting, matching, devices,
};

/** One journey; true when it went well and the browser had nothing to complain of. */
async function walk(name: string, journey: Journey, page: Page, complaints: string[], settings: Environment): Promise<boolean> {
  const began = Date.now();
  complaints.length = 0;
  let failure: string | null = null;
  let remark: string | void = undefined;
  try {
    remark = await journey(page, settings);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    for (const alert of await page.getByRole('alert').allTextContents().catch(() => [])) failure += `\n       on the page: ${alert}`;
    if (settings.shots) await page.screenshot({ path: `${settings.shots}/failed-${name}.png` }).catch(() => undefined);
  }
  const well = failure === null && complaints.length === 0;
  const note = remark ? `: ${remark}` : '';
  console.log(`${well ? 'ok    ' : 'FAILED'} ${name} (${Date.now() - began} ms)${note}`);
  for (const line of [failure, ...complaints]) if (line) console.log(`       ${line}`);
  return well;
}

async function run(browser: Browser, settings: Environment): Promise<boolean> {
  let well = true;
  const first = await watchedPage(browser, settings.url, 1366, 768);
  for (const [name, journey] of Object.entries(desk)) {
    well = (await walk(name, journey, first.page, first.complaints, settings)) && well;
  }
  const away = await watchedPage(browser, settings.url, 1366, 768, 'America/Los_Angeles');
  well = (await walk('abroad', abroad, away.page, away.complaints, settings)) && well;
  const slow = await watchedPage(browser, settings.url, 1366, 768);
  well = (await walk('slowLine', slowLine, slow.page, slow.complaints, settings)) && well;
  const fast = await watchedPage(browser, settings.url, 1366, 768);
  well = (await walk('series', series, fast.page, fast.complaints, settings)) && well;
  const foreign = await watchedPage(browser, settings.url, 1366, 768);
  well = (await walk('loader', loader, foreign.page, foreign.complaints, settings)) && well;
  const small = await watchedPage(browser, settings.url, 360, 740);
  return (await walk('phone', phone, small.page, small.complaints, settings)) && well;
}

const settings = environment();
const browser = await launch(settings.chromium);
try {
  process.exitCode = (await run(browser, settings)) ? 0 : 1;
} finally {
  await browser.close();
}
