import type { Page } from 'playwright-core';
import { smallStudy } from '../dicom';
import { expect } from '../expect';

/** Chosen files are sent with progress; what is no image says so, and what was kept is in the list. */
export async function upload(page: Page): Promise<void> {
  await page.goto('/search');
  const patientId = `TAI${Date.now() % 1_000_000}`;
  const { file, studyUid } = smallStudy({ patientId, patientName: 'TẢI^LÊN', birthDate: '19900101', sex: 'M', accessionNumber: '', modality: 'CT' });
  await page.locator('input[type="file"]:not([webkitdirectory])').setInputFiles([
    { name: 'anh.dcm', mimeType: 'application/dicom', buffer: file },
    { name: 'ghi-chu.txt', mimeType: 'text/plain', buffer: Buffer.from('không phải ảnh') },
  ]);
  await page.getByText('Xong: 1 tệp đã lưu').waitFor();
  await page.getByText('Không phải tệp DICOM').waitFor();
  await page.getByRole('button', { name: 'Đóng' }).first().click();
  await page.locator('input[enterkeyhint="search"]').fill(patientId);
  await page.locator('[role="row"][aria-rowindex]', { hasText: patientId }).waitFor();
  const answer = await page.request.get(`/api/v1/studies/${studyUid}`);
  expect(answer.status() === 200, 'the uploaded study is in the archive');
  await page.keyboard.press('Escape');
}
