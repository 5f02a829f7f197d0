import type { Page } from 'playwright-core';
import type { ImagingRecord, Study } from '../../src/api/types';
import type { Environment } from '../environment';
import { nextImage, sameStudy, smallStudy, stowBody } from '../dicom';
import { eventually, expect } from '../expect';
import { shootBoth } from '../shots';

const rows = (page: Page) => page.locator('[role="row"][aria-rowindex]');

/**
 * Two persons under one number, one person under two, and one image with two contents: each waits under
 * reconciliation, is answered by keys, and taken back; the imaging record is merged and parted.
 */
export async function reconcile(page: Page, { shots }: Environment): Promise<void> {
  const shot = (name: string): Promise<void> => shootBoth(page, shots, name);
  const tail = Date.now() % 1_000_000;
  const of = { patientId: `DC${tail}`, patientName: 'NGUYỄN^VĂN ĐỐI', birthDate: '19700102', sex: 'M', accessionNumber: `DA${tail}`, modality: 'CT' };
  const first = smallStudy(of);
  const stranger = smallStudy({ ...of, patientName: 'TRẦN^THỊ CHIẾU', birthDate: '19850607', sex: 'F', accessionNumber: `DB${tail}` });
  const twin = smallStudy({ ...of, patientId: `DD${tail}`, patientName: 'NGUYEN^VAN DOI', accessionNumber: `DE${tail}` });
  for (const file of [first.file, stranger.file, twin.file]) await stow(page, file);
  await stow(page, sameStudy({ ...of, patientName: 'NGUYỄN^VĂN ĐÔI' }, first.studyUid));

  await page.getByRole('link', { name: 'Đối chiếu' }).click();
  const differs = rows(page).filter({ hasText: 'TRẦN THỊ CHIẾU' }).filter({ hasText: of.patientId });
  await differs.waitFor();
  await rows(page).filter({ hasText: 'Trùng mã, khác nội dung' }).filter({ hasText: of.patientId }).waitFor();
  await differs.click();
  const panel = page.getByRole('complementary', { name: 'Đối chiếu' });
  await panel.getByText('NGUYỄN VĂN ĐỐI').waitFor();
  expect((await panel.getByText('khác', { exact: true }).count()) >= 3, 'name, birth date and sex are said to differ');
  await shot('reconciliation');
  await differs.click();
  await page.keyboard.press('2');
  await page.getByText(/^Đã đối chiếu TRẦN THỊ CHIẾU: Người khác/).waitFor();
  await eventually('the answered row has left the list', async () => (await differs.count()) === 0);
  const given = await recordOf(page, stranger.studyUid);
  expect(given.studies.length === 1, 'the study has a record of its own');
  await page.keyboard.press('Control+z');
  await differs.waitFor();
  expect((await recordOf(page, stranger.studyUid)).studies.length === 2, 'taking it back put the study back');

  // To a patient on record, who is found in the panel.
  await differs.click();
  await page.keyboard.press('3');
  await page.keyboard.type('NGUYEN');
  await page.getByRole('option').first().waitFor();
  // A scanner: other text and Enter at once, which must not take what was found for the text before.
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(`DD${tail}`);
  await page.keyboard.press('Enter');
  await page.getByText(/^Đã đối chiếu TRẦN THỊ CHIẾU/).waitFor();
  expect((await recordOf(page, twin.studyUid)).studies.length === 2, 'the study is that patient\'s');
  await page.keyboard.press('Control+z');
  await differs.waitFor();

  const contents = rows(page).filter({ hasText: 'Trùng mã, khác nội dung' }).filter({ hasText: of.patientId });
  await contents.click();
  await panel.getByText('Số ảnh có nhiều bản').waitFor();
  await panel.getByText('NGUYỄN VĂN ĐÔI').waitFor();
  await shot('reconciliation-contents');
  await page.keyboard.press('2');
  await page.getByText(/Dùng bản đến sau$/).waitFor();
  await eventually('the other content is served', async () => (await servedName(page, first.studyUid)) === 'NGUYỄN^VĂN ĐÔI');
  await page.getByText('Đã đối chiếu', { exact: true }).click();
  const answered = rows(page).filter({ hasText: of.patientId }).filter({ hasText: 'Trùng mã, khác nội dung' });
  await answered.click();
  await panel.getByText('Dùng bản đến sau').waitFor();
  await shot('reconciliation-answered');
  await answered.click();
  await panel.getByLabel('Lý do (ghi vào lịch sử)').fill('bản đầu mới đúng');
  await page.keyboard.press('Escape');
  await page.keyboard.press('1');
  await page.getByText(/^Đã hoàn tác đối chiếu/).waitFor();
  expect((await reasons(page, first.studyUid)).includes('bản đầu mới đúng'), 'why an answer was taken back is in the history');
  await eventually('the first content is served again', async () => (await servedName(page, first.studyUid)) === 'NGUYỄN^VĂN ĐỐI');

  // One study with images of two persons: those of the other become a study of their own, and come back.
  const shared = smallStudy({ ...of, patientId: `DF${tail}`, accessionNumber: `DG${tail}` });
  await stow(page, shared.file);
  await stow(page, nextImage({ ...of, patientId: `DH${tail}`, patientName: 'LÊ^VĂN KHÁC', accessionNumber: `DG${tail}` }, shared.studyUid));
  await page.goto('/reconciliation');
  const mixed = rows(page).filter({ hasText: `DF${tail}` });
  await mixed.click();
  await panel.getByText('LÊ VĂN KHÁC').waitFor();
  await shot('reconciliation-two-patients');
  await mixed.click();
  const because = panel.getByLabel('Lý do (ghi vào lịch sử)');
  await because.fill('hai phiếu một máy');
  // Esc leads from the box to the list, whose keys act again.
  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await page.getByText(/^Đã đối chiếu .*: Hai người khác nhau, tách ca$/).waitFor();
  expect((await studyOf(page, shared.studyUid)).instanceCount === 1, 'the other image has left the study');
  expect((await reasons(page, shared.studyUid)).includes('hai phiếu một máy'), 'a key says the reason that was typed');
  await page.keyboard.press('Control+z');
  await mixed.waitFor();
  expect((await studyOf(page, shared.studyUid)).instanceCount === 2, 'taking it back brought the image back');

  // One person under two numbers: merged from the imaging record, and parted again.
  const record = await recordOf(page, first.studyUid);
  await page.goto(`/patients/${record.recordId}`);
  await page.getByLabel('Gộp một hồ sơ khác vào đây…').fill(`DD${tail}`);
  await page.getByRole('option', { name: /NGUYEN VAN DOI/ }).click();
  await page.getByLabel('Lý do gộp').fill('đăng ký hai lần');
  await page.keyboard.press('Enter');
  await page.getByText('Đã gộp NGUYEN VAN DOI').waitFor();
  await eventually('one time line', async () => (await rows(page).count()) === 3);
  await page.getByText('Hồ sơ đã gộp vào đây').waitFor();
  await shot('record');
  await page.getByRole('button', { name: 'Tách ra' }).click();
  await page.getByText('Đã tách NGUYEN VAN DOI').waitFor();
  await eventually('parted again', async () => (await rows(page).count()) === 2);
  await page.keyboard.press('Control+z');
  await eventually('and merged again', async () => (await rows(page).count()) === 3);

  await page.getByLabel('Lý do thêm hoặc bỏ số (ghi vào lịch sử)').fill('theo căn cước');
  await page.getByLabel('Số', { exact: true }).fill(`0790${tail}`);
  await page.keyboard.press('Enter');
  await page.getByText(`Đã thêm số 0790${tail}`).waitFor();
  await page.getByRole('button', { name: `Bỏ số 0790${tail}` }).click();
  await page.getByText(`Đã bỏ số 0790${tail}`).waitFor();
  const history = page.getByRole('region', { name: 'Lịch sử' });
  for (const said of ['Tách hồ sơ', 'Gộp hồ sơ', 'Thêm số', 'Bỏ số', 'đăng ký hai lần', 'theo căn cước']) await history.getByText(said).first().waitFor();
  await shot('record-history');
  await page.goto('/search');
}

async function stow(page: Page, file: Buffer): Promise<void> {
  const answer = await page.request.post('/dicomweb/studies', stowBody(file));
  expect([200, 202, 409].includes(answer.status()), `the image is kept, not ${answer.status()}`);
}

/** The reasons in a study's history. */
async function reasons(page: Page, studyUid: string): Promise<(string | null)[]> {
  const { items } = (await (await page.request.get(`/api/v1/studies/${studyUid}/acts`)).json()) as { items: { reason: string | null }[] };
  return items.map(({ reason }) => reason);
}

async function studyOf(page: Page, studyUid: string): Promise<Study> {
  return (await (await page.request.get(`/api/v1/studies/${studyUid}`)).json()) as Study;
}

async function recordOf(page: Page, studyUid: string): Promise<ImagingRecord> {
  const study = await studyOf(page, studyUid);
  return (await (await page.request.get(`/api/v1/patients/${study.recordId}`)).json()) as ImagingRecord;
}

/** The patient's name in the content that is served of a study's only image. */
async function servedName(page: Page, studyUid: string): Promise<string | undefined> {
  const answer = await page.request.get(`/dicomweb/studies/${studyUid}/metadata`);
  const [image] = (await answer.json()) as Record<string, { Value?: { Alphabetic?: string }[] }>[];
  return image?.['00100010']?.Value?.[0]?.Alphabetic;
}
