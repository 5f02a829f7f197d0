import type { Locator, Page } from 'playwright-core';
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
  // Esc empties the form, and gives it back.
  await page.keyboard.press('Escape');
  await eventually('the form is empty', async () => (await page.getByLabel('Họ và tên').inputValue()) === '');
  await page.keyboard.press('Control+z');
  await eventually('the form is back', async () => (await page.getByLabel('Họ và tên').inputValue()) === name);
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^Đã lưu \d\d:\d\d$/).waitFor();
  expect((await page.getByLabel('Họ và tên').inputValue()) === '', 'the form is ready for the next patient');

  await page.getByRole('link', { name: 'Danh sách thực hiện' }).click();
  const row = page.locator('[role="row"][aria-rowindex]', { hasText: name });
  await pageTo(page, row);
  await row.getByRole('button', { name: 'Tiếp nhận' }).click();
  await row.getByText('Đã tiếp nhận').waitFor();
  await row.getByRole('button', { name: 'Hủy' }).click();
  await page.keyboard.type('Người bệnh đổi ý');
  await page.keyboard.press('Enter');
  await row.getByText('Đã hủy').waitFor();
  await page.getByRole('button', { name: /Hoàn tác/ }).click();
  await row.getByText('Đã tiếp nhận').waitFor();

  // The same by keys alone: 2 calls, Ctrl+Z takes it back, 7 cancels and asks why.
  await row.click();
  await page.keyboard.press('2');
  await row.getByText('Đã gọi').waitFor();
  await page.keyboard.press('Control+z');
  await row.getByText('Đã tiếp nhận').waitFor();
  await page.keyboard.press('7');
  await row.getByRole('textbox').waitFor();
  await page.keyboard.press('Escape');
  await row.getByText('Đã tiếp nhận').waitFor();
}

/** Pages through a list until a row is on the screen: only those rows exist. */
export async function pageTo(page: Page, row: Locator): Promise<void> {
  await page.locator('[role="row"][aria-rowindex]').first().waitFor();
  await eventually('the row is on the list', async () => {
    if ((await row.count()) > 0) return true;
    await page.keyboard.press('PageDown');
    return false;
  });
}

/** Types into a choice and takes the option that Enter would take. */
export async function choose(page: Page, label: string, typed: string): Promise<void> {
  const box = page.getByLabel(label).first();
  await box.click();
  // The field's own list: another field's may still be fading.
  const list = page.locator(`[id="${await box.getAttribute('aria-controls')}"]`);
  // The list settles which option is chosen a moment after it opens: typing into that moment would be undone.
  await list.getByRole('option').first().waitFor();
  await page.keyboard.type(typed, { delay: 30 });
  const option = list.locator('[data-combobox-selected]');
  await option.waitFor();
  const chosen = ((await option.textContent()) ?? '').trim();
  await page.keyboard.press('Enter');
  await eventually(`${label} holds the chosen option`, async () => {
    const held = await box.inputValue();
    return held !== '' && chosen.startsWith(held);
  });
}
