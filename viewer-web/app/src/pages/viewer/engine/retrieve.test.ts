import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '~/api/http';
import { MalformedParts } from '../model/parts';
import { Beginnings } from './beginnings';
import { retrieveBeginning, retrieveFrame, retrieveFrames, type Begun } from './retrieve';

const frame = Uint8Array.from({ length: 5000 }, (_, at) => at);
const wish = { compressed: true, signal: new AbortController().signal, urgent: false };
const nothing = (): void => undefined;

/** The ranges that were asked for. */
let asked: (string | undefined)[] = [];
/** After so many bytes of an answer the line breaks. */
let breaksAfter = Number.POSITIVE_INFINITY;

/** A frame by ranges, as RFC 9110 14 has it; whoever asks for several gets what is no multipart. */
function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  asked.push(headers.range);
  const type = 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202';
  if (url?.endsWith('1,2')) return void response.writeHead(200, { 'Content-Type': type }).end(frame);
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  const from = Number(first);
  const until = Math.min(frame.length, last === '' ? frame.length : Number(last) + 1);
  if (from >= frame.length) return void response.writeHead(416, { 'Content-Range': `bytes */${frame.length}` }).end();
  const range = headers.range === undefined ? {} : { 'Content-Range': `bytes ${from}-${until - 1}/${frame.length}` };
  response.writeHead(headers.range === undefined ? 200 : 206, { 'Content-Type': type, 'Content-Length': until - from, ETag: '"e"', ...range });
  if (until - from <= breaksAfter) return void response.end(frame.subarray(from, until));
  response.write(frame.subarray(from, from + breaksAfter), () => setImmediate(() => response.destroy()));
}

describe('a frame', () => {
  let server: Server;
  let imageId = '';
  beforeAll(async () => {
    server = createServer(answer);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    imageId = `wadors:http://127.0.0.1:${(server.address() as AddressInfo).port}/instances/1/frames/1`;
  });
  afterAll(() => server.close());
  beforeEach(() => {
    asked = [];
    breaksAfter = Number.POSITIVE_INFINITY;
  });

  it('begins with no more than has come, and its rest is asked for', async () => {
    const begun = await retrieveBeginning(imageId, wish, 100);
    expect([begun.have, begun.total, begun.bytes.buffer.byteLength]).toEqual([100, 5000, 100]);
    const told: number[] = [];
    const { bytes } = await retrieveFrame(imageId, wish, begun, ({ have }) => told.push(have));
    expect(bytes).toEqual(frame);
    expect(asked).toEqual(['bytes=0-99', 'bytes=100-']);
    expect(told.at(-1)).toBe(5000);
  });
  it('that was whole with its first bytes is not asked for again', async () => {
    const begun = await retrieveBeginning(imageId, wish, 9000);
    const { bytes } = await retrieveFrame(imageId, wish, begun, nothing);
    expect(bytes).toEqual(frame);
    expect(asked).toEqual(['bytes=0-8999']);
  });
  it('goes on where the line broke', async () => {
    const begun = await retrieveBeginning(imageId, wish, 100);
    breaksAfter = 1000;
    await expect(retrieveFrame(imageId, wish, begun, nothing)).rejects.toThrow();
    expect(begun.have).toBe(1100);
    breaksAfter = 9000;
    expect((await retrieveFrame(imageId, wish, begun, nothing)).bytes).toEqual(frame);
    expect(asked.at(-1)).toBe('bytes=1100-');
  });
  it('is none of many when the answer is not made of parts', async () => {
    const ids = [imageId, imageId.replace(/1$/, '2')];
    await expect(retrieveFrames(ids, wish, () => 5000, () => expect.unreachable())).rejects.toThrow(MalformedParts);
  });
  it('beyond whose end a server is asked is a problem', async () => {
    const beyond: Begun = { bytes: new Uint8Array(6000), have: 6000, total: 7000, syntax: '', etag: '"e"' };
    await expect(retrieveFrame(imageId, wish, beyond, nothing)).rejects.toThrow(Problem);
  });
});

describe('first bytes', () => {
  const begun = (bytes: number): Begun => ({ bytes: new Uint8Array(bytes), have: bytes, total: bytes * 32, syntax: '', etag: '' });
  it('are held while there is room, and of those that are shown', () => {
    const held = new Beginnings();
    for (const imageId of ['a', 'b']) held.hold(imageId, begun(30 * 1024 * 1024));
    expect([held.hasRoom(4 * 1024 * 1024), held.hasRoom(5 * 1024 * 1024)]).toEqual([true, false]);
    held.keepOnly(new Set(['b', 'c']));
    expect([held.of('a'), held.of('b')?.have]).toEqual([null, 30 * 1024 * 1024]);
    held.drop('b');
    expect(held.hasRoom(64 * 1024 * 1024)).toBe(true);
  });
});
