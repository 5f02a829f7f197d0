import { describe, expect, it } from 'vitest';
import { cutToStored, isBeyondStored, samplesIn, type StoredSamples } from './samples';

const sixteen: StoredSamples = { count: 4, bitsAllocated: 16, bitsStored: 16, highBit: 15, signed: false, slope: 1, intercept: 0 };
const twelve = { bitsStored: 12, highBit: 11 };
const eight = { bitsAllocated: 8, bitsStored: 8, highBit: 7 };
const bytesOf = (...words: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(Uint16Array.from(words).buffer);

describe('samples of uncompressed frames', () => {
  it('are the bytes themselves where nothing is rescaled', () => {
    const bytes = bytesOf(7, 65535, 3, 9);
    const samples = samplesIn(bytes, sixteen);
    expect(samples).toEqual({ values: Uint16Array.of(7, 65535, 3, 9), min: 3, max: 65535 });
    expect(samples?.values.buffer).toBe(bytes.buffer);
    expect(samplesIn(Uint8Array.of(5, 1, 9, 255), { ...sixteen, ...eight })).toEqual({ values: Uint8Array.of(5, 1, 9, 255), min: 1, max: 255 });
  });

  it('are rescaled in place, and signed where they fit', () => {
    const bytes = bytesOf(0, 1024, 4095, 24);
    const samples = samplesIn(bytes, { ...sixteen, ...twelve, intercept: -1024 });
    expect(samples).toEqual({ values: Int16Array.of(-1024, 0, 3071, -1000), min: -1024, max: 3071 });
    expect(samples?.values.buffer).toBe(bytes.buffer);
    expect(samplesIn(bytesOf(0, 10, 20, 30), { ...sixteen, slope: 2000 })?.values).toEqual(Uint16Array.of(0, 20000, 40000, 60000));
    expect(samplesIn(bytesOf(0, 1, 2, 3), { ...sixteen, slope: -2, intercept: 1 })).toEqual({ values: Int16Array.of(1, -1, -3, -5), min: -5, max: 1 });
  });

  it('have the sign of the bits that are stored', () => {
    const samples = samplesIn(bytesOf(0x0fff, 0xf800, 0x07ff, 0x1001), { ...sixteen, ...twelve, signed: true });
    expect(samples).toEqual({ values: Int16Array.of(-1, -2048, 2047, 1), min: -2048, max: 2047 });
  });

  it('are without an overlay that stands above them, or below', () => {
    const above = samplesIn(bytesOf(0x8000, 0x0fff, 0x8064, 0x1001), { ...sixteen, ...twelve });
    expect(above).toEqual({ values: Uint16Array.of(0, 4095, 100, 1), min: 0, max: 4095 });
    const rescaled = samplesIn(bytesOf(0x8000, 0x0fff, 0x8064, 0x1001), { ...sixteen, ...twelve, intercept: -1024 });
    expect(rescaled).toEqual({ values: Int16Array.of(-1024, 3071, -924, -1023), min: -1024, max: 3071 });
    const below = samplesIn(bytesOf(0x0010, 0xfff1, 0x0640, 0x8001), { ...sixteen, bitsStored: 12, highBit: 15 });
    expect(below).toEqual({ values: Uint16Array.of(1, 4095, 100, 2048), min: 1, max: 4095 });
    expect(samplesIn(bytesOf(0xfff1, 0x8000, 0x0010, 0), { ...sixteen, bitsStored: 12, highBit: 15, signed: true })?.values).toEqual(Int16Array.of(-1, -2048, 1, 0));
    expect(samplesIn(Uint8Array.of(0x80, 0x7f, 0x85, 0), { ...sixteen, ...eight, bitsStored: 7, highBit: 6 })).toEqual({ values: Uint8Array.of(0, 127, 5, 0), min: 0, max: 127 });
  });

  it('are cut as they are stored when nothing is known of the highest bit, or what is said cannot be', () => {
    for (const highBit of [3, 16, Number.NaN]) {
      const values = Uint16Array.of(0x8fff, 0x1001);
      cutToStored(values, { ...sixteen, bitsStored: 12, highBit });
      expect(values).toEqual(Uint16Array.of(4095, 1));
    }
  });

  it('of a decoder that knows no overlays are seen to be beyond what is stored', () => {
    const ct = { ...sixteen, ...twelve, intercept: -1024 };
    expect([[-1024, 3071], [-1024, 3072], [-1024, 31744]].map(([min = 0, max = 0]) => isBeyondStored(min, max, ct))).toEqual([false, true, true]);
    expect([[-8190, 0], [-65536, 0]].map(([min = 0, max = 0]) => isBeyondStored(min, max, { ...sixteen, ...twelve, slope: -2 }))).toEqual([false, true]);
    expect(isBeyondStored(0, 4095.5 * 0.1, { ...sixteen, ...twelve, slope: 0.1 })).toBe(false);
    for (const other of [sixteen, { ...ct, signed: true }]) expect(isBeyondStored(-40_000, 70_000, other)).toBe(false);
  });

  it('leave the byte that makes a length even', () => {
    expect(samplesIn(Uint8Array.of(1, 2, 3, 99), { ...sixteen, count: 3, ...eight })).toEqual({ values: Uint8Array.of(1, 2, 3), min: 1, max: 3 });
  });

  it.each([
    ['values that are no whole numbers', bytesOf(1, 2, 3, 4), { ...sixteen, slope: 0.5 }],
    ['signed values that are no whole numbers', bytesOf(0x0fff, 2, 3, 4), { ...sixteen, ...twelve, signed: true, slope: 0.5 }],
    ['values beyond 16 bits', bytesOf(0, 2, 3, 65535), { ...sixteen, intercept: -1 }],
    ['rescaled bytes', Uint8Array.of(1, 2, 3, 4), { ...sixteen, bitsAllocated: 8, intercept: -1 }],
    ['missing bytes', bytesOf(1, 2, 3), sixteen],
    ['samples of other widths', bytesOf(1, 2, 3, 4, 5, 6, 7, 8), { ...sixteen, bitsAllocated: 32 }],
    ['bytes at odd places', new Uint8Array(new Uint16Array(5).buffer, 1, 8), sixteen],
  ])('are not made of %s, which are left as they are', (_, bytes, stored) => {
    const before = bytes.slice();
    expect(samplesIn(bytes, stored)).toBeNull();
    expect(bytes).toEqual(before);
  });
});
