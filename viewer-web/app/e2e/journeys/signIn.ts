import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { expect } from '../expect';

/** A wrong password is refused with a sentence; the right one leads to the list. */
export async function signInAfterMistake(page: Page, environment: Environment): Promise<void> {
  await page.goto('/');
  await page.waitForURL(/\/(search|sign-in)$/);
  if (page.url().endsWith('/search')) return;
  await page.locator('input[autocomplete="username"]').fill(environment.user);
  await page.locator('input[autocomplete="current-password"]').fill(`${environment.password}-wrong`);
  const refusal = page.waitForResponse((response) => response.url().endsWith('/api/v1/session') && response.request().method() === 'POST');
  await page.keyboard.press('Enter');
  expect((await refusal).status() === 401, 'a wrong password is refused');
  await page.getByRole('alert').waitFor();
  await signIn(page, environment);
}

/** Signs in, unless the server runs without sign-in. */
export async function signIn(page: Page, { user, password }: Environment): Promise<void> {
  if (!page.url().endsWith('/sign-in')) {
    await page.goto('/');
    await page.waitForURL(/\/(search|sign-in)$/);
  }
  if (page.url().endsWith('/search')) return;
  await page.locator('input[autocomplete="username"]').fill(user);
  await page.locator('input[autocomplete="current-password"]').fill(password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/search');
}
