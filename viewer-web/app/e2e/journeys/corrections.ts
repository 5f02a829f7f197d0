import type { Page } from 'playwright-core';
import type { Page as Rows, Study } from '../../src/api/types';
import { personName } from '../../src/format/person';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { signIn } from './signIn';

/** The patient of a study as DICOMweb has it. */
async function patientOf(page: Page, studyUid: string): Promise<string> {
  const sets = (await (await page.request.get(`/dicomweb/studies?StudyInstanceUID=${studyUid}`, { headers: { Accept: 'application/dicom+json' } })).json()) as Record<string, { Value?: { Alphabetic?: string }[] }>[];
  return sets[0]?.['00100010']?.Value?.[0]?.Alphabetic ?? '';
}

/** A name is corrected, seen, and corrected back; a series becomes an exam of its own, and goes back; exams are merged. */
export async function corrections(page: Page, environment: Environment): Promise<void> {
  const shot = async (name: string): Promise<void> => {
    if (environment.shots) await page.screenshot({ path: `${environment.shots}/corrections-${name}.png` });
  };
  await signIn(page, environment);
  const { items } = (await (await page.request.get('/api/v1/studies?limit=50')).json()) as Rows<Study>;
  const study = items.find(({ seriesCount }) => seriesCount > 1) ?? items[0];
  const other = items.find(({ studyUid, patient }) => studyUid !== study?.studyUid && patient.id !== study?.patient.id);
  expect(study && other, 'two exams of two patients');
  const before = await patientOf(page, study.studyUid);

  await page.locator('[role="row"][aria-rowindex]', { hasText: study.accessionNumber ?? study.patient.id }).first().click();
  await shot('search');
  await page.getByRole('link', { name: 'Chỉnh sửa ca…' }).click();
  await page.getByRole('heading', { name: personName(study.patient.name) }).waitFor();
  await page.getByLabel('Họ và tên', { exact: true }).fill('ĐINH THỊ SỬA');
  await page.getByText('Sẽ đổi').waitFor();
  await page.getByLabel('Lý do').fill('Nhập nhầm tên ở máy chụp');
  await shot('edit');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Đã sửa 1 mục').waitFor();
  await eventually('DICOMweb tells the corrected name', async () => (await patientOf(page, study.studyUid)) === 'ĐINH THỊ SỬA');
  await page.getByRole('heading', { name: 'ĐINH THỊ SỬA' }).waitFor();
  await shot('edited');
  await page.getByRole('complementary', { name: 'Lịch sử' }).getByRole('button', { name: 'Hoàn tác' }).first().click();
  await eventually('the name is back', async () => (await patientOf(page, study.studyUid)) === before);
  await page.getByText('đã hoàn tác').first().waitFor();

  await page.keyboard.press('2');
  await page.getByRole('checkbox').first().check();
  await page.getByText('Ca mới của cùng người bệnh').click();
  await page.getByLabel('Lý do').fill('Hai lần chụp trong một ca');
  await shot('move');
  await page.getByRole('button', { name: 'Chuyển 1 chuỗi ảnh' }).click();
  await page.getByText('Đã chuyển ảnh').waitFor();
  await page.getByRole('complementary', { name: 'Lịch sử' }).getByRole('button', { name: 'Hoàn tác' }).first().click();
  await page.locator('[role="status"]', { hasText: 'Đã hoàn tác' }).waitFor();

  await page.keyboard.press('3');
  await page.getByLabel('Tên, mã người bệnh, số chỉ định của ca nhận…').fill(other.patient.id);
  await page.getByRole('radio').first().check();
  await page.getByText('Ca được chọn là của người bệnh khác').waitFor();
  await page.getByLabel('Lý do').fill('Cùng một người, hai hồ sơ');
  await shot('merge');
  await page.getByRole('button', { name: 'Gộp vào ca đã chọn' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/studies/') && !url.pathname.includes(study.studyUid));
  await eventually('the exam is in the other one', async () => (await patientOf(page, study.studyUid)) === '');
  await page.getByText('chuyển đến từ ca khác').first().waitFor();
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await page.getByText('History').first().waitFor();
  await shot('history-en');
  await page.getByRole('complementary', { name: 'History' }).getByRole('button', { name: 'Undo' }).first().click();
  await eventually('the exam is back', async () => (await patientOf(page, study.studyUid)) === before);
  await page.getByRole('button', { name: 'VI', exact: true }).click();
  const over = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(!over, 'the page is no wider than the screen');
}
