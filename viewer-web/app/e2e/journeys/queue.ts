import type { Page } from 'playwright-core';
import type { Queue } from '../../src/api/transferTypes';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';

const rows = (page: Page) => page.locator('[role="grid"] [role="row"][aria-rowindex]');

/** Sends an exam to where it arrives and one to where nobody is; the queue says so, and its acts can be taken back. */
export async function queue(page: Page, { shots }: Environment): Promise<void> {
  await page.goto('/search');
  await send(page, 0, 'SEN');
  await send(page, 1, 'PACS_TINH');
  await page.getByRole('link', { name: 'Xem hàng gửi' }).click();
  const waiting = rows(page).filter({ hasText: 'Tới PACS_TINH' });
  await waiting.getByText('Không kết nối được').waitFor();
  await waiting.click();
  await page.getByRole('complementary').getByText('không có gì nghe ở cổng này').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/queue-vi.png` });

  // 3: more urgent, 2: cancelled; both are taken back by Ctrl+Z.
  await page.keyboard.press('3');
  await waiting.getByText('Gấp', { exact: true }).waitFor();
  await page.keyboard.press('Control+z');
  await eventually('it is as urgent as before', async () => (await waiting.getByText('Gấp', { exact: true }).count()) === 0);
  await page.keyboard.press('2');
  await eventually('what was cancelled waits no more', async () => (await waiting.count()) === 0);
  await page.keyboard.press('Control+z');
  await waiting.waitFor();

  await page.getByText('Đã xong', { exact: true }).click();
  await rows(page).filter({ hasText: 'Đã gửi' }).filter({ hasText: 'Tới SEN' }).first().waitFor();
  if (shots) await inEnglish(page, shots);
  await sendAgain(page, shots);
  const left = (await (await page.request.get('/api/v1/queue')).json()) as Queue;
  expect(left.open === 1, 'one exam waits for its receiver');
}

/** What is corrected after it was sent says so, and is sent again by a key. */
async function sendAgain(page: Page, shots: string | null): Promise<void> {
  const ended = (await (await page.request.get('/api/v1/queue?show=ended')).json()) as Queue;
  const sent = ended.items.find(({ device, state }) => device === 'SEN' && state === 'done');
  expect(sent !== undefined, 'an exam was sent');
  const correction = { attributes: { StudyDescription: 'Đã sửa mô tả' }, reason: 'ghi nhầm' };
  const answer = await page.request.post(`/api/v1/studies/${sent?.studyUid}/corrections`, { data: correction });
  expect(answer.ok(), `the exam is corrected, not ${answer.status()}`);
  await page.goto('/queue');
  await page.getByText('Đã xong', { exact: true }).click();
  const stale = rows(page).filter({ hasText: 'Sửa sau khi gửi' });
  await stale.first().click();
  if (shots) await page.screenshot({ path: `${shots}/queue-corrected-vi.png` });
  await page.keyboard.press('5');
  // No row comes while the pointer is over the list.
  await page.mouse.move(4, 4);
  await page.getByText(/^Đã vào hàng gửi lại/).waitFor();
  await eventually('it is offered no more', async () => (await stale.count()) === 0);
  await eventually('it has been sent again', async () => (await rows(page).filter({ hasText: 'Đã gửi' }).filter({ hasText: 'Tới SEN' }).count()) > 1);
}

/** Chooses the exam of a row, and a device in its preview. */
async function send(page: Page, row: number, device: string): Promise<void> {
  await rows(page).nth(row).click();
  const box = page.getByRole('combobox', { name: 'Gửi tới…' });
  await box.click();
  await page.getByRole('option', { name: new RegExp(`^${device} `) }).click();
  await page.getByText(`Đã vào hàng gửi: ${device}`).waitFor();
}

async function inEnglish(page: Page, shots: string): Promise<void> {
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await rows(page).first().click();
  await page.screenshot({ path: `${shots}/queue-ended-en.png` });
  await page.getByText(/^Waiting and under way/).click();
  await rows(page).first().click();
  await page.screenshot({ path: `${shots}/queue-en.png` });
  await page.getByRole('button', { name: 'VI', exact: true }).click();
}
