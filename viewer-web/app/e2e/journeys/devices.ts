import { connect } from 'node:net';
import type { Page } from 'playwright-core';
import type { Environment } from '../environment';
import { expect } from '../expect';

/** An item of an association request (PS3.8 9.3.2): its type, and what it holds. */
function item(kind: number, ...content: (number | string | Buffer)[]): Buffer {
  const body = Buffer.concat(content.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
  return Buffer.concat([Buffer.from([kind, 0, body.length >> 8, body.length & 0xff]), body]);
}

/** Asks for an association as `calling`, of somebody that is not there, as a modality does that was set up wrongly. */
async function callWrongly(port: number, calling: string): Promise<void> {
  const context = item(0x20, 1, 0, 0, 0, item(0x30, '1.2.840.10008.1.1'), item(0x40, '1.2.840.10008.1.2'));
  const body = Buffer.concat([
    Buffer.from([0, 1, 0, 0]), Buffer.from('WRONG'.padEnd(16)), Buffer.from(calling.padEnd(16)), Buffer.alloc(32),
    item(0x10, '1.2.840.10008.3.1.1.1'), context, item(0x50, item(0x51, Buffer.from([0, 0, 64, 0]))),
  ]);
  const head = Buffer.alloc(6);
  head[0] = 1;
  head.writeUInt32BE(body.length, 2);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([head, body])));
    socket.once('data', () => socket.destroy()).once('close', () => resolve()).once('error', reject);
  });
}

/** Devices are added, tested, changed and removed; one that called wrongly is told why and made a device. */
export async function devices(page: Page, { shots }: Environment): Promise<void> {
  const shot = async (name: string): Promise<void> => {
    if (shots) await page.screenshot({ path: `${shots}/devices-${name}.png` });
  };
  const system = (await (await page.request.get('/api/v1/system')).json()) as { aeTitle: string; dimsePort: number };
  // The server knows itself already, so that the journeys of the queue have somebody to send to.
  const forgotten = await page.request.delete(`/api/v1/devices/${system.aeTitle}`);
  expect(forgotten.ok(), 'the server is forgotten as a device');
  await callWrongly(system.dimsePort, 'XQUANG2');
  await page.goto('/devices');
  await page.getByRole('grid').waitFor();

  await page.keyboard.press('n');
  await page.getByLabel('AE title', { exact: true }).fill(system.aeTitle);
  await page.getByLabel('Mô tả').fill('Chính máy chủ này');
  await page.getByLabel('Cổng', { exact: true }).fill(String(system.dimsePort));
  await page.keyboard.press('Control+Enter');
  await page.getByText('Chưa nhập').waitFor();
  await page.getByLabel('Địa chỉ', { exact: true }).fill('127.0.0.1');
  await page.getByLabel('Số kết nối khi gửi ảnh').fill('4');
  await page.getByLabel(/storage commitment/).focus();
  await page.keyboard.press('Space');
  await shot('form-vi');
  await page.keyboard.press('Control+Enter');
  await page.getByText(`Đã thêm ${system.aeTitle}`).waitFor();
  await page.getByRole('complementary', { name: system.aeTitle }).getByRole('button', { name: 'Thử kết nối' }).waitFor();
  await page.getByRole('complementary', { name: system.aeTitle }).getByText(/storage commitment/).waitFor();
  await page.keyboard.press('e');
  await page.getByText('Thiết bị trả lời sau').waitFor();
  await shot('echo-vi');

  // Changed so that nobody is there.
  await page.keyboard.press('Enter');
  expect((await page.getByLabel('Số kết nối khi gửi ảnh').inputValue()) === '4', 'what is done for it is kept');
  await page.getByLabel('Cổng', { exact: true }).fill('1');
  await page.getByRole('row').filter({ hasText: 'XQUANG2' }).click();
  await page.getByText('Chưa lưu').waitFor();
  expect((await page.getByLabel('Cổng', { exact: true }).inputValue()) === '1', 'a click on another row throws nothing away');
  await shot('unsaved-vi');
  await page.keyboard.press('Control+Enter');
  await page.getByText(`Đã lưu ${system.aeTitle}`).waitFor();
  await page.keyboard.press('e');
  await page.getByRole('status').getByText('Không nối được đến thiết bị').waitFor();
  await page.getByRole('status').getByText('không có gì nghe ở cổng này').waitFor();
  await shot('unreachable-vi');

  // Who called wrongly is there with the reason, and one step from being a device.
  await page.getByRole('row').filter({ hasText: 'XQUANG2' }).click();
  await page.getByRole('complementary', { name: 'XQUANG2' }).getByText('Máy gọi một AE title không phải của Sen').waitFor();
  await shot('stranger-vi');
  await page.keyboard.press('Enter');
  await page.getByRole('form').waitFor();
  expect((await page.getByLabel('Địa chỉ', { exact: true }).inputValue()) === '127.0.0.1', 'the address is filled in');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Đã thêm XQUANG2').waitFor();
  await page.getByRole('button', { name: 'Xóa' }).click();
  await page.getByText('Đã xóa XQUANG2').waitFor();
  await page.keyboard.press('Control+z');
  await page.getByText('Đã thêm XQUANG2').waitFor();
  await page.getByRole('row').filter({ hasText: 'XQUANG2' }).first().waitFor();
  if (shots) {
    await page.evaluate(() => localStorage.setItem('sen.language', 'en'));
    await page.reload();
    await page.getByRole('row').filter({ hasText: 'XQUANG2' }).click();
    await page.getByText('Last failure').first().waitFor();
    await shot('stranger-en');
    await page.keyboard.press('Enter');
    await page.getByRole('form').waitFor();
    await shot('form-en');
    await page.evaluate(() => localStorage.setItem('sen.language', 'vi'));
    await page.reload();
    await page.getByRole('grid').waitFor();
  }
}
