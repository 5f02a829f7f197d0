import { describe, expect, it } from 'vitest';
import { closedAt, enlarged, resolutionsOf } from './htj2k';
import { isOfLine, Link } from './link';
import { boundaryOf, MalformedParts, PartReader, syntaxOf, type Part, type PartHead, type SizeOf } from './parts';
import { acceptOne, acceptSeveral, coarseBytes, hasStages, isNative, isWorthWhole, wayAt, type FrameShape } from './transport';

const ct: FrameShape = { rows: 512, columns: 512, samplesPerPixel: 1, bitsAllocated: 16, photometric: 'MONOCHROME2', planar: false, windowed: true };
const megabit = 125_000;

describe('the line', () => {
  const link = (...arrivals: [number, number, number][]): Link => {
    const made = new Link();
    for (const [firstMs, lastMs, bytes] of arrivals) made.note({ firstMs, lastMs, bytes });
    return made;
  };
  it('is unknown before anything of size has come', () => {
    expect(link([0, 5, 900]).bytesPerSecond()).toBeNull();
  });
  it('is shared by what comes together, and idle times do not count', () => {
    expect(link([0, 1000, 500_000], [500, 1000, 500_000], [9000, 10_000, 1_000_000]).bytesPerSecond()).toBe(1_000_000);
  });
  it('is known from what came over it as fast as it could', () => {
    const frame = { name: 'http://a/frames/1', initiatorType: 'fetch', transferSize: 524_588, encodedBodySize: 524_288, decodedBodySize: 524_288 };
    const script = { name: 'http://a/assets/a.js', initiatorType: 'script', transferSize: 200_300, encodedBodySize: 200_000, decodedBodySize: 700_000 };
    expect([frame, script].map(isOfLine)).toEqual([true, true]);
    const others = [{ ...frame, transferSize: 0 }, { ...frame, transferSize: 300 }, { ...frame, decodedBodySize: 2_700_000 }, { ...frame, name: 'http://a/pixeldata' }];
    expect(others.map(isOfLine)).toEqual([false, false, false, false]);
  });
  it('follows a change', () => {
    expect(link([0, 1, 6_000_000], [10, 4010, 4_000_000]).bytesPerSecond()).toBeCloseTo(1_000_000, -3);
    expect(link([0, 4000, 4_000_000], [5000, 5040, 4_000_000]).bytesPerSecond()).toBeCloseTo(100_000_000, -6);
  });
});

describe('frames are fetched', () => {
  it('as they lie when the line is fast or not known', () => {
    for (const rate of [null, 1000 * megabit]) expect(wayAt(rate, ct)).toMatchObject({ compressed: false, coarseFirst: false, parallel: 20 });
  });
  it('in HTJ2K when it is slower, and coarsely first when it is slow', () => {
    expect(wayAt(100 * megabit, ct)).toMatchObject({ compressed: true, coarseFirst: false, parallel: 20 });
    expect(wayAt(10 * megabit, ct)).toMatchObject({ compressed: true, coarseFirst: true, parallel: 4 });
  });
  it('as they lie when they could not be compressed and given back as they were', () => {
    for (const other of [{ bitsAllocated: 1 }, { bitsAllocated: 32 }, { photometric: 'PALETTE COLOR' }, { samplesPerPixel: 3, photometric: 'YBR_FULL_422' },
      { samplesPerPixel: 3, photometric: 'RGB', planar: true }]) {
      expect(wayAt(10 * megabit, { ...ct, ...other })).toMatchObject({ compressed: false, coarseFirst: false });
    }
  });
  it('without stages when a coarse picture would be seen in another window, or helps nobody', () => {
    expect(hasStages(ct)).toBe(true);
    for (const other of [{ windowed: false }, { rows: 64 }, { samplesPerPixel: 3, photometric: 'RGB' }]) expect(hasStages({ ...ct, ...other })).toBe(false);
  });
  it('many at once when they are a film, as many as come in half a second', () => {
    expect(wayAt(1000 * megabit, ct).batch).toBe(32);
    expect(wayAt(10 * megabit, ct).batch).toBe(2);
    expect(wayAt(10 * megabit, { ...ct, rows: 2048, columns: 2048 }).batch).toBe(1);
  });
  it('in one answer for the series when the line is fast, more is due than goes out at once, and most of the answer is wanted', () => {
    expect([null, 100 * megabit, 1000 * megabit].map((rate) => wayAt(rate, ct).whole)).toEqual([false, false, true]);
    expect(isWorthWhole(500, 500)).toBe(true);
    expect(isWorthWhole(20, 20)).toBe(false);
    expect(isWorthWhole(200, 500)).toBe(false);
  });
  it('by names that leave compressed frames as they are', () => {
    expect(acceptOne(false)).toBe('application/octet-stream; transfer-syntax=*');
    const [first, ...others] = acceptOne(true).split(', ');
    expect(first).toBe('application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202');
    expect(others).toContain('application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.90');
    expect(acceptSeveral(false)).toBe('multipart/related; type="application/octet-stream"; transfer-syntax=*');
  });
  it('coarsely by a thirty-second of their bytes', () => expect(coarseBytes(ct)).toBe(16_384));
});

/** The header of a codestream of two halvings (T.800 A.4.2, A.6.1, A.7.1), and tile-parts of 20, 30 and 40 bytes. */
const header = [
  0xff, 0x4f,
  0xff, 0x52, 0, 12, 0, 2, 0, 1, 0, 2, 4, 4, 0, 1,
  0xff, 0x55, 0, 16, 0, 0x40, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 40,
  0xff, 0x90, 0, 10,
];
const codestream = (): Uint8Array<ArrayBuffer> => Uint8Array.from([...header, ...Array.from({ length: 86 }, () => 0)]);

describe('a codestream', () => {
  it('says where its resolutions end', () => {
    const start = header.length - 4;
    expect(resolutionsOf(codestream())).toEqual([
      { level: 2, endBytes: start + 20 }, { level: 1, endBytes: start + 50 }, { level: 0, endBytes: start + 90 },
    ]);
  });
  it('says nothing while its header comes, when it is of another kind, or damaged', () => {
    for (let have = 0; have < header.length; have += 1) expect(resolutionsOf(codestream().subarray(0, have))).toBeNull();
    expect(resolutionsOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0))).toBeNull();
    expect(resolutionsOf(codestream().fill(0, 4, 6))).toBeNull();
    expect(resolutionsOf(codestream().fill(9, 11, 12))).toBeNull();
  });
  it('is closed where it is cut', () => {
    expect([...closedAt(codestream(), 3)]).toEqual([0xff, 0x4f, 0xff, 0xff, 0xd9]);
  });
  it('of a halved picture is enlarged in its place', () => {
    const small = Int16Array.from([0, 10, 20, 30]);
    expect([...enlarged(small, { columns: 2, rows: 2 }, { columns: 3, rows: 3 }, 1)]).toEqual([0, 5, 10, 10, 15, 20, 20, 25, 30]);
  });
});

describe('the parts of an answer', () => {
  const body = new TextEncoder().encode('\r\n--b\r\nContent-Type: x/y; transfer-syntax=1.2\r\n\r\none\r\n--\r\n--b\r\nContent-Type: x/y\r\n\r\n\r\n--b--\r\n');
  const cut = (bytes: Uint8Array, size: number, sizeOf?: SizeOf): Part[] => {
    const reader = new PartReader('b', sizeOf);
    const fed = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => [...reader.feed(bytes.subarray(at * size, (at + 1) * size))]);
    return [...fed.flat(), ...reader.end()];
  };
  it.each([1, 2, 5, 1000])('come whole however they are cut (%i)', (size) => {
    // Of no, the right, and wrong sizes for what is to come.
    for (const sizeOf of [() => null, ({ contentType }: PartHead) => (contentType === 'x/y' ? 0 : 7), () => 3, () => 9, () => 50]) {
      expect(cut(body, size, sizeOf).map(({ contentType, bytes }) => [contentType, new TextDecoder().decode(bytes)])).toEqual([
        ['x/y; transfer-syntax=1.2', 'one\r\n--'], ['x/y', ''],
      ]);
    }
  });
  it.each([100, 4096, 1_000_000])('of any size lie alone in their memory, and name their place (%i)', (size) => {
    const content = Uint8Array.from({ length: 200_000 }, (_, at) => (at % 3 === 0 ? 13 : at));
    const head = (more: string): Uint8Array => new TextEncoder().encode(`\r\n--b\r\nContent-Type: x/y\r\n${more}\r\n`);
    const heads = ['Content-Length: 200000\r\nContent-Location: /a\r\n', 'content-location: /b\r\n', 'Content-Length: 199999\r\n'].map(head);
    const parts = cut(Uint8Array.from([...heads.flatMap((one) => [...one, ...content]), ...new TextEncoder().encode('\r\n--b--')]), size);
    expect(parts.map(({ contentLocation }) => contentLocation)).toEqual(['/a', '/b', '']);
    for (const { bytes } of parts) expect([bytes.byteOffset, bytes.buffer.byteLength, Buffer.compare(bytes, content)]).toEqual([0, 200_000, 0]);
  });
  it('are read into the memory that they stay in, which the stream moves', () => {
    const reader = new PartReader('b');
    const content = 'x'.repeat(3000);
    const body = new TextEncoder().encode(['12', '3000', '5'].map((size) => `\r\n--b\r\nContent-Length: ${size}\r\n\r\n${content.slice(0, Number(size))}`).join('') + '\r\n--b--');
    const lengths: number[] = [];
    for (let at = 0; at < body.length;) {
      const { buffer, byteOffset, length } = reader.room();
      const piece = body.subarray(at, at + Math.min(length, 700));
      const moved = new Uint8Array(structuredClone(buffer, { transfer: [buffer] }), byteOffset, piece.length);
      moved.set(piece);
      at += piece.length;
      for (const { bytes } of reader.took(moved)) lengths.push(new TextDecoder().decode(bytes) === content.slice(0, bytes.length) ? bytes.length : -1);
    }
    expect(lengths).toEqual([12, 3000, 5]);
  });
  it('are none when a head has no end, which may stand in the content of a frame', () => {
    const pixels = 'p'.repeat(20_000);
    for (const body of [`--b\r\nContent-Type: x/y\r\n${pixels}`, `--b\r\nContent-Type: x/y\r\n${pixels}\r\n\r\nrest\r\n--b--`]) {
      for (const size of [7, 100_000]) expect(() => cut(new TextEncoder().encode(body), size)).toThrow(MalformedParts);
    }
  });
  it.each(['application/octet-stream', 'multipart/related', 'multipart/related; boundary=""', '', 'text/html; boundary=b'])('are none in an answer of another kind (%s)', (type) => {
    expect(() => boundaryOf(type)).toThrow(MalformedParts);
  });
  it('are named by the header', () => {
    expect(boundaryOf('multipart/related; type="application/octet-stream"; boundary=abc')).toBe('abc');
    expect(syntaxOf('application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202')).toBe('1.2.840.10008.1.2.4.202');
    expect(syntaxOf('application/octet-stream')).toBe('1.2.840.10008.1.2.1');
    expect(['', '.1', '.1.99', '.2', '.4.90', '.1.2', '.5'].map((tail) => isNative(`1.2.840.10008.1.2${tail}`))).toEqual([true, true, true, true, false, false, false]);
  });
});
