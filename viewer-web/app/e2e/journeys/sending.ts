import type { Page } from 'playwright-core';
import type { Queue } from '../../src/api/transferTypes';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { sendImage } from '../images';

/** From the viewer, by keys: the shown image and then the whole exam go into the queue, and the first is taken back. */
export async function sending(page: Page, { shots }: Environment): Promise<void> {
  const studyUid = await sendImage(page, 'TU MAY XEM', { series: 2, images: 3, side: 64 });
  await page.goto(`/viewer/${studyUid}`);
  await page.getByText('1/3', { exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.getByText('2/3', { exact: true }).waitFor();

  await page.keyboard.press('g');
  const sheet = page.getByRole('complementary', { name: 'Gửi ảnh' });
  const box = sheet.getByRole('combobox', { name: 'Gửi tới…' });
  await eventually('the box for the device has the focus', () => box.evaluate((input) => input === document.activeElement));
  await page.keyboard.press('Shift+Tab');
  await eventually('the choice of what to send has the focus', () => sheet.getByRole('radio', { name: 'Cả ca' }).evaluate((radio) => radio === document.activeElement));
  await page.keyboard.press('ArrowUp');
  await eventually('the shown image is chosen', () => sheet.getByRole('radio', { name: 'Ảnh đang xem' }).isChecked());
  await page.keyboard.press('Tab');
  await toDevice(page, 'PACS_TINH');
  await sheet.getByText('Đã vào hàng gửi: PACS_TINH').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/viewer-send-vi.png` });
  await eventually('one image is counted', async () => (await ofStudy(page, studyUid))[0]?.total === 1);
  await sheet.getByRole('button', { name: 'Hoàn tác' }).press('Enter');
  await eventually('it waits no more', async () => (await ofStudy(page, studyUid)).length === 0);

  await sheet.getByRole('radio', { name: 'Ảnh đang xem' }).focus();
  await page.keyboard.press('ArrowDown');
  await eventually('the whole exam is chosen', () => sheet.getByRole('radio', { name: 'Cả ca' }).isChecked());
  await page.keyboard.press('Tab');
  await toDevice(page, 'SEN');
  await sheet.getByText('Đã vào hàng gửi: SEN').waitFor();
  await page.keyboard.press('Escape');
  await eventually('the sheet is gone', async () => (await sheet.count()) === 0);
  expect(page.url().endsWith(studyUid), 'the images are still there');
  await page.goto('/search');
}

/** Types the beginning of a device's title, no faster than people do, once the list is open, and takes what Enter takes. */
async function toDevice(page: Page, title: string): Promise<void> {
  await page.getByRole('option').first().waitFor();
  await page.keyboard.type(title, { delay: 30 });
  await page.getByRole('option', { name: new RegExp(`^${title} `) }).and(page.locator('[data-combobox-selected]')).waitFor();
  await page.keyboard.press('Enter');
}

async function ofStudy(page: Page, studyUid: string): Promise<Queue['items']> {
  const queue = (await (await page.request.get('/api/v1/queue')).json()) as Queue;
  return queue.items.filter((transfer) => transfer.studyUid === studyUid);
}
