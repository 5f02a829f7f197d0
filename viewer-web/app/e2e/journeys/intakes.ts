import type { Page } from 'playwright-core';
import type { Environment } from '../environment';

const rows = (page: Page) => page.locator('[role="grid"] [role="row"][aria-rowindex]');

/** An import says what it could not take and why; a migration from a PACS that is away waits, is stopped, and goes on. */
export async function intakes(page: Page, { shots }: Environment): Promise<void> {
  await page.getByRole('link', { name: 'Lưu trữ' }).first().click();
  await page.getByRole('link', { name: 'Nhập kho cũ' }).click();
  const imported = rows(page).filter({ hasText: 'Nhập tệp' });
  await imported.getByText('Xong, còn thiếu').waitFor();
  await imported.click();
  const panel = page.getByRole('complementary');
  await panel.getByText('broken.dcm').waitFor();
  await panel.getByText('Thiếu mã ảnh').waitFor();
  await panel.getByText('bỏ qua: Không phải tệp DICOM').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/intakes-vi.png` });

  const migrated = rows(page).filter({ hasText: 'PACS_TINH' });
  await migrated.getByText('Đang đợi').waitFor();
  await migrated.click();
  await panel.getByRole('note').getByText('Không kết nối được tới PACS kia').waitFor();
  await panel.getByRole('note').getByText('không có gì nghe ở cổng này').waitFor();
  if (shots) await page.screenshot({ path: `${shots}/intakes-waiting-vi.png` });
  await page.keyboard.press('1');
  await migrated.getByText('Đã dừng').waitFor();
  await page.getByText('Đã dừng: PACS_TINH').waitFor();
  await page.keyboard.press('Control+z');
  await page.getByText('Đang tiếp tục: PACS_TINH').waitFor();
  await migrated.getByRole('button', { name: 'Dừng' }).waitFor();
  await page.keyboard.press('1');
  await migrated.getByText('Đã dừng').waitFor();
  if (shots) {
    await page.getByRole('button', { name: 'EN', exact: true }).click();
    await page.screenshot({ path: `${shots}/intakes-en.png` });
    await page.getByRole('button', { name: 'VI', exact: true }).click();
  }
}
