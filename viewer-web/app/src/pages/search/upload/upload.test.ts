import { describe, expect, it } from 'vitest';
import { readClaim } from './part10';
import { UploadQueue } from './queue';
import { readAnswer, reasonOf, type StowAnswer } from './stow';

/** A file with a head that names its class and instance, and `size` bytes in all. */
function dicom(uid: string, size = 600, sopClass = '1.2.840.10008.5.1.4.1.1.2'): File {
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode('DICM'), 128);
  let at = 132;
  const put = (element: number, vr: string, value: Uint8Array): void => {
    const view = new DataView(bytes.buffer, at);
    view.setUint16(0, 2, true);
    view.setUint16(2, element, true);
    bytes.set(new TextEncoder().encode(vr), at + 4);
    const long = vr === 'OB';
    if (long) view.setUint32(8, value.length, true);
    else view.setUint16(6, value.length, true);
    bytes.set(value, at + (long ? 12 : 8));
    at += (long ? 12 : 8) + value.length;
  };
  const even = (text: string): Uint8Array => new TextEncoder().encode(text.length % 2 ? `${text}\0` : text);
  put(0x0000, 'UL', new Uint8Array(4));
  put(0x0001, 'OB', new Uint8Array([0, 1]));
  put(0x0002, 'UI', even(sopClass));
  put(0x0003, 'UI', even(uid));
  return new File([bytes], `${uid}.dcm`);
}

const claimOf = async (file: File) => readClaim(new Uint8Array(await file.arrayBuffer()));

describe('the head of a file', () => {
  it('names the instance', async () => {
    expect(await claimOf(dicom('1.2.3'))).toEqual({ kind: 'instance', sopInstanceUid: '1.2.3' });
    expect(await claimOf(dicom('1.2.34'))).toEqual({ kind: 'instance', sopInstanceUid: '1.2.34' });
  });
  it('tells directories and other files apart', async () => {
    expect(await claimOf(dicom('1.2', 600, '1.2.840.10008.1.3.10'))).toEqual({ kind: 'directory' });
    expect(await claimOf(new File(['hello'], 'a.txt'))).toEqual({ kind: 'notDicom' });
  });
  it('survives lengths that lead out of the file', () => {
    const head = new Uint8Array(140);
    head.set(new TextEncoder().encode('DICM'), 128);
    head.set([2, 0, 3, 0, 0x55, 0x49, 0xff, 0xff], 132);
    expect(readClaim(head)).toEqual({ kind: 'instance', sopInstanceUid: null });
  });
});

const answerOf = (kept: string[], failed: [string, number][]): string => JSON.stringify({
  '00081199': { vr: 'SQ', Value: kept.map((uid) => ({ '00081155': { vr: 'UI', Value: [uid] } })) },
  '00081198': { vr: 'SQ', Value: failed.map(([uid, code]) => ({ '00081155': { vr: 'UI', Value: [uid] }, '00081197': { vr: 'US', Value: [code] } })) },
});

describe('the answer to a store request', () => {
  it('tells instance by instance', () => {
    const { outcomes, whole } = readAnswer(202, answerOf(['1'], [['2', 0xa700]]));
    expect([...outcomes]).toEqual([['1', null], ['2', { reason: 'full', comment: null }]]);
    expect(whole).toBeNull();
  });
  it.each([[400, 'refused'], [403, 'forbidden'], [413, 'tooLarge'], [503, 'full'], [0, 'network'], [200, null]])(
    'without a body, status %d means %s', (status, whole) => expect(readAnswer(status, 'nonsense').whole).toBe(whole),
  );
  it.each([[0x0110, 'refused'], [0x0122, 'notSupported'], [0xa900, 'mismatch'], [0xc123, 'refused'], [0x1234, 0x1234], [null, 'refused']])(
    'reason %s is %s', (code, reason) => expect(reasonOf(code)).toBe(reason),
  );
});

/** Runs a queue to its end against a server made of one function. */
async function run(files: File[], answer: (uids: string[]) => StowAnswer, limits = { files: 2, bytes: 10_000, requests: 2 }) {
  const batches: string[][] = [];
  let finished = (): void => undefined;
  const end = new Promise<void>((resolve) => (finished = resolve));
  const queue = new UploadQueue(
    (sent) => {
      const uids = sent.map((file) => file.name.replace('.dcm', ''));
      batches.push(uids);
      return { answer: Promise.resolve(answer(uids)), abort: () => undefined };
    },
    () => queue.items.every(({ state }) => !['waiting', 'sending'].includes(state.is)) && finished(),
    limits,
  );
  queue.add(files.map((file) => ({ name: file.name, file })));
  await end;
  return { batches, totals: queue.totals(), states: queue.items.map(({ state }) => ('reason' in state ? `${state.is} ${state.reason}` : state.is)) };
}

const keepAll = (uids: string[]): StowAnswer => ({ outcomes: new Map(uids.map((uid) => [uid, null])), whole: null });

describe('an upload', () => {
  it('sends in batches and keeps count', async () => {
    const { batches, totals } = await run([dicom('1'), dicom('2'), dicom('3')], keepAll);
    expect(batches).toEqual([['1', '2'], ['3']]);
    expect(totals).toMatchObject({ total: 3, kept: 3, failed: 0, skipped: 0, size: 1800, sent: 1800, busy: false });
  });
  it('sends a file larger than a batch alone', async () => {
    const { batches } = await run([dicom('1', 20_000), dicom('2')], keepAll);
    expect(batches).toEqual([['1'], ['2']]);
  });
  it('skips what is no object and says why others failed', async () => {
    const { states } = await run([new File(['x'], 'x.txt'), dicom('1'), dicom('2')], () => ({
      outcomes: new Map([['1', null], ['2', { reason: 'full', comment: 'no room' }]]), whole: null,
    }));
    expect(states).toEqual(['skipped notDicom', 'kept', 'failed full']);
  });
  it('tries files one by one when a whole request is refused', async () => {
    const { batches, states } = await run([dicom('1'), dicom('2')], (uids) =>
      uids.length > 1 || uids[0] === '2' ? { outcomes: new Map(), whole: 'refused' } : keepAll(uids));
    expect(batches).toEqual([['1', '2'], ['1'], ['2']]);
    expect(states).toEqual(['kept', 'failed refused']);
  });
  it('never calls a file kept that no answer names', async () => {
    const { states } = await run([dicom('1'), dicom('2')], (uids) => ({ outcomes: uids.includes('1') ? new Map([['1', null]]) : new Map(), whole: null }));
    expect(states).toEqual(['kept', 'failed refused']);
  });
  it('asks again for a file that is kept under another UID than its head claims', async () => {
    const { batches, states } = await run([dicom('1'), dicom('2')], (uids) => ({
      outcomes: new Map(uids.map((uid) => [uid === '2' ? '2.9' : uid, null])), whole: null,
    }));
    expect(batches).toEqual([['1', '2'], ['2']]);
    expect(states).toEqual(['kept', 'kept']);
  });
  it('gives up a batch without asking file by file when there is no room', async () => {
    const { batches, states } = await run([dicom('1'), dicom('2')], () => ({ outcomes: new Map(), whole: 'full' }));
    expect(batches).toEqual([['1', '2']]);
    expect(states).toEqual(['failed full', 'failed full']);
  });
});
