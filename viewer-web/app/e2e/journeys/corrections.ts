import type { Page } from 'playwright-core';
import type { Page as Rows, Study } from '../../src/api/types';
import { personName } from '../../src/format/person';
import type { Environment } from '../environment';
import { eventually, expect } from '../expect';
import { sendImage } from '../images';
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
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Nhập nhầm tên ở máy chụp');
  await shot('edit');
  await wrongDay(page, study.studyUid, shot);
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
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Hai lần chụp trong một ca');
  const plan = page.getByRole('region', { name: 'Sẽ chuyển' });
  await plan.getByText(/^1 chuỗi, \d+ ảnh$/).waitFor();
  await plan.getByText('một ca mới của cùng người bệnh').waitFor();
  await shot('move');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Đã chuyển ảnh').waitFor();
  await page.getByRole('complementary', { name: 'Lịch sử' }).getByRole('button', { name: 'Hoàn tác' }).first().click();
  await page.locator('[role="status"]', { hasText: 'Đã hoàn tác' }).waitFor();

  await page.keyboard.press('3');
  await page.getByLabel('Tên, mã người bệnh, số chỉ định của ca nhận…').fill(other.patient.id);
  await page.getByRole('radio').first().check();
  await plan.getByText('Ca nhận là của người bệnh khác.').waitFor();
  await plan.getByText(personName(other.patient.name)).first().waitFor();
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Cùng một người, hai hồ sơ');
  await shot('merge');
  await page.keyboard.press('Control+Enter');
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
  await singleImages(page, shot);
}

/** A day that is none is said to be so, and neither saved nor taken for an empty field. */
async function wrongDay(page: Page, studyUid: string, shot: (name: string) => Promise<void>): Promise<void> {
  const born = page.getByLabel('Ngày sinh', { exact: true });
  const stands = await born.inputValue();
  await born.fill('31/02/1980');
  await page.keyboard.press('Control+Enter');
  await born.blur();
  await page.getByText('Ngày không có thật').waitFor();
  expect(await born.inputValue() === '31/02/1980', 'what was typed stays to be mended');
  expect(await page.getByRole('button', { name: 'Lưu chỉnh sửa' }).isDisabled(), 'nothing can be saved meanwhile');
  await shot('wrong-day');
  const { items } = (await (await page.request.get(`/api/v1/studies/${studyUid}/acts`)).json()) as { items: unknown[] };
  expect(items.length === 0, 'nothing has been saved');
  await born.fill(stands);
}

/** Two of three images of a series, chosen by their numbers, become an exam of their own by keys; one of them is sent. */
async function singleImages(page: Page, shot: (name: string) => Promise<void>): Promise<void> {
  const studyUid = await sendImage(page, 'LAC CHUOI', { images: 3, side: 64 });
  await page.goto(`/studies/${studyUid}/corrections`);
  await page.getByRole('tab', { name: 'Chuyển, gửi ảnh' }).waitFor();
  await page.keyboard.press('2');
  await page.getByRole('checkbox').first().focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: '3', exact: true }).waitFor();
  const numbers = page.getByLabel('Chỉ một số ảnh của chuỗi này');
  await numbers.fill('50-60');
  await page.getByText('Chưa có ảnh nào được chọn').waitFor();
  await page.getByText('Ca mới của cùng người bệnh').click();
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Gõ nhầm số ảnh');
  expect(await page.getByRole('button', { name: /^Chuyển/ }).isDisabled(), 'numbers of no image move nothing');
  await shot('no-image');
  await numbers.fill('2-3');
  await page.getByText('Gửi tới thiết bị').click();
  await page.getByText('2 ảnh lẻ').waitFor();
  const box = page.getByRole('combobox', { name: 'Gửi tới…' });
  await box.focus();
  await page.keyboard.type('PACS_TINH', { delay: 30 });
  await page.getByRole('option', { name: /^PACS_TINH / }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Đã vào hàng gửi: PACS_TINH').waitFor();
  await page.getByRole('button', { name: 'Hoàn tác' }).press('Enter');
  await eventually('it is taken back', async () => (await page.getByText('Đã vào hàng gửi').count()) === 0);

  await page.getByText('Ca mới của cùng người bệnh').click();
  const plan = page.getByRole('region', { name: 'Sẽ chuyển' });
  await plan.getByText('2 ảnh lẻ').waitFor();
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Ảnh của lần chụp sau');
  await shot('images');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Đã chuyển ảnh').waitFor();
  await page.getByText('Ảnh của lần chụp sau').waitFor();
  await page.getByRole('tabpanel').getByLabel('Lý do').blur();
  await page.keyboard.press('Control+z');
  await page.locator('[role="status"]', { hasText: 'Đã hoàn tác' }).waitFor();

  // When all of it is moved, the page follows, and comes back with it.
  await page.getByRole('checkbox').first().check();
  await page.getByRole('tabpanel').getByLabel('Lý do').fill('Cả ca');
  await page.keyboard.press('Control+Enter');
  await page.waitForURL((url) => url.pathname.startsWith('/studies/') && !url.pathname.includes(studyUid));
  await page.locator('[role="status"]', { hasText: 'Đã chuyển ảnh' }).waitFor();
  await shot('followed');
  await page.keyboard.press('Control+z');
  await page.waitForURL((url) => url.pathname.includes(studyUid));
  await page.locator('[role="status"]', { hasText: 'Đã hoàn tác' }).waitFor();
  await page.getByRole('tab', { name: 'Chuyển, gửi ảnh' }).waitFor();
}
