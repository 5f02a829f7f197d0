/** A browser whose complaints are collected: any of them fails the run. */
import { chromium, type Browser, type Page } from 'playwright-core';

// Headless Chromium draws WebGL in software, and talks to nobody but the server under test.
const flags = [
  '--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
];

/** A page and everything that went wrong in it. */
export interface Watched {
  page: Page;
  complaints: string[];
}

/** Starts the browser. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: flags });
}

/** Where the hospital is. */
export const hospitalZone = 'Asia/Ho_Chi_Minh';

/** Opens a page in a fresh profile of a computer in that zone. Console errors, exceptions and violations of the content policy become complaints. */
export async function watchedPage(browser: Browser, baseURL: string, width: number, height: number, timezoneId: string = hospitalZone): Promise<Watched> {
  const context = await browser.newContext({ baseURL, viewport: { width, height }, locale: 'vi-VN', timezoneId });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // Asking who is signed in is answered 401 when nobody is; the browser writes that down by itself.
    if (message.text().includes('401') && message.location().url.endsWith('/api/v1/session')) return;
    // Nor does a rule take the name of another, which its journey tries.
    if (message.text().includes('409') && message.location().url.includes('/api/v1/routes/')) return;
    complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.setDefaultTimeout(15_000);
  return { page, complaints };
}
