import type { Page } from 'playwright-core';
import type { Worklist } from '../../src/api/types';
import { day, wallOf } from '../../src/format/dates';
import { hospitalZone } from '../browser';
import type { Environment } from '../environment';
import { expect } from '../expect';
import { choose, pageTo } from './order';
import { signIn } from './signIn';

/** On a computer in California the pages show the hospital's clocks: an order for 09:30 is for 09:30 there. */
export async function abroad(page: Page, environment: Environment): Promise<void> {
  await signIn(page, environment);
  await page.getByRole('link', { name: 'Tiếp nhận' }).click();
  const today = wallOf(hospitalZone).day;
  const shownDay = await page.getByLabel('Ngày', { exact: true }).inputValue();
  expect(shownDay === day(today) || shownDay === day(wallOf(hospitalZone).day), `the form is for the hospital's today, not ${shownDay}`);

  const name = `LÊ VĂN XA ${Date.now() % 1_000_000}`;
  await page.keyboard.type(name);
  await page.getByText('Chưa có trong hồ sơ').waitFor();
  await page.keyboard.press('Enter');
  await page.getByLabel('Ngày sinh').first().fill('05081978');
  await page.getByText('Nam', { exact: true }).click();
  await choose(page, 'Dịch vụ', 'CT');
  await page.getByLabel('Giờ', { exact: true }).fill('0930');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^Đã lưu \d\d:\d\d$/).waitFor();
  expect((await page.locator('aside', { hasText: name }).textContent())?.includes('09:30'), 'the saved order shows 09:30');

  await page.getByRole('link', { name: 'Danh sách thực hiện' }).click();
  const row = page.locator('[role="row"][aria-rowindex]', { hasText: name });
  await pageTo(page, row);
  expect((await row.textContent())?.startsWith('09:30'), 'the worklist shows 09:30');
  const { items } = (await (await page.request.get(`/api/v1/worklist?date=${today}`)).json()) as Worklist;
  const scheduled = items.find(({ patient }) => patient.name === name)?.scheduledAt;
  expect(scheduled === `${today}T09:30:00.000+07:00`, `the order is for 09:30 in the hospital, not ${scheduled}`);
}
