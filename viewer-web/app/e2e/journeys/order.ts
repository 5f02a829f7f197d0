import type { Page } from 'playwright-core';
import { eventually, expect } from '../expect';

/** An order entered by keyboard alone stands on the day's worklist, is moved there, cancelled, and brought back. */
export async function order(page: Page): Promise<void> {
  const name = `TRẦN THỊ THỬ ${Date.now() % 1_000_000}`;
  await page.getByRole('link', { name: 'Tiếp nhận' }).click();
  const finder = page.getByPlaceholder(/Tìm người bệnh/);
  await finder.waitFor();
  await eventually('the search box has the focus', () => finder.evaluate((box) => box === document.activeElement));

  // An empty form says which fields are missing, and sends nothing.
  await page.keyboard.press('Control+Enter');
  await page.getByText('Kiểm tra các ô được đánh dấu.').waitFor();

  await page.keyboard.type(name);
  await page.getByText('Chưa có trong hồ sơ').waitFor();
  await page.keyboard.press('Enter');
  await eventually('the name is taken over', async () => (await page.getByLabel('Họ và tên').inputValue()) === name);
  await page.getByLabel('Ngày sinh').first().fill('05081978');
  await page.getByText('Nữ', { exact: true }).click();
  await choose(page, 'Dịch vụ', 'CT');
  // A procedure in one's own words (an empty catalogue has no others) asks for its modality.
  const modality = page.getByLabel('Loại máy');
  if (await modality.count()) await choose(page, 'Loại máy', 'CT');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^Đã lưu \d\d:\d\d$/).waitFor();
  expect((await page.getByLabel('Họ và tên').inputValue()) === '', 'the form is ready for the next patient');

  await page.getByRole('link', { name: 'Danh sách thực hiện' }).click();
  const row = page.locator('[role="row"][aria-rowindex]', { hasText: name });
  await page.locator('[role="row"][aria-rowindex]').first().waitFor();
  // Only rows on the screen exist: a long day is paged through.
  await eventually('the order is on the worklist', async () => {
    if ((await row.count()) > 0) return true;
    await page.keyboard.press('PageDown');
    return false;
  });
  await row.getByRole('button', { name: 'Tiếp nhận' }).click();
  await row.getByText('Đã tiếp nhận').waitFor();
  await row.getByRole('button', { name: 'Hủy' }).click();
  await page.keyboard.type('Người bệnh đổi ý');
  await page.keyboard.press('Enter');
  await row.getByText('Đã hủy').waitFor();
  await page.getByRole('button', { name: /Hoàn tác/ }).click();
  await row.getByRole('button', { name: 'Tiếp nhận' }).waitFor();
}

/** Types into a choice and takes the option that Enter would take. */
async function choose(page: Page, label: string, typed: string): Promise<void> {
  await page.getByLabel(label).first().click();
  await page.keyboard.type(typed);
  await page.locator('[data-combobox-selected]:visible').waitFor();
  await page.keyboard.press('Enter');
}
