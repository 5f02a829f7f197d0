/** Where the resolutions of a High-Throughput JPEG 2000 codestream end, as …4.202 promises to say (PS3.5 10.18). */

/** Marker codes (ITU-T T.800 table A.2). */
const startOfCodestream = 0xff4f;
const codingStyle = 0xff52;
const tilePartLengths = 0xff55;
const startOfTilePart = 0xff90;

/** The codestream up to `endBytes` holds the picture halved `level` times. */
export interface Resolution {
  level: number;
  endBytes: number;
}

/**
 * The resolutions of a codestream, smallest picture first; null while its header has not come whole, and for one without
 * a tile-part for each resolution.
 */
export function resolutionsOf(codestream: Uint8Array): Resolution[] | null {
  const view = new DataView(codestream.buffer, codestream.byteOffset, codestream.byteLength);
  if (view.byteLength < 4 || view.getUint16(0) !== startOfCodestream) return null;
  let levels: number | null = null;
  let lengths: number[] | null = null;
  for (let at = 2; at + 4 <= view.byteLength;) {
    const marker = view.getUint16(at);
    if (marker === startOfTilePart) return levels !== null && lengths?.length === levels + 1 ? endsOf(at, lengths) : null;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > view.byteLength || end < at + 4) return null;
    if (marker === codingStyle && at + 10 <= end) levels = view.getUint8(at + 9);
    if (marker === tilePartLengths) lengths = lengthsOf(view, at + 4, end);
    at = end;
  }
  return null;
}

/** One TLM segment (T.800 A.7.1) whose tile-parts come in order and have lengths of 32 bits. */
function lengthsOf(view: DataView, at: number, end: number): number[] | null {
  if (end - at < 2 || view.getUint8(at) !== 0 || view.getUint8(at + 1) !== 0x40) return null;
  return Array.from({ length: Math.floor((end - at - 2) / 4) }, (_, part) => view.getUint32(at + 2 + 4 * part));
}

function endsOf(start: number, lengths: readonly number[]): Resolution[] {
  let endBytes = start;
  return lengths.map((length, part) => {
    endBytes += length;
    return { level: lengths.length - 1 - part, endBytes };
  });
}

/** The first bytes of a codestream up to the end of a resolution, closed as a codestream is (T.800 A.4.4). */
export function closedAt(codestream: Uint8Array, endBytes: number): Uint8Array<ArrayBuffer> {
  const closed = new Uint8Array(endBytes + 2);
  closed.set(codestream.subarray(0, endBytes));
  closed.set([0xff, 0xd9], endBytes);
  return closed;
}

/**
 * A picture that was halved `level` times, at its full size again: each of its samples lies where it lay, those between
 * are drawn straight from one to the next.
 */
export function enlarged<T extends Numbers>(small: T, from: Size, to: Size, level: number): T {
  const large = new (small.constructor as new (length: number) => T)(to.columns * to.rows);
  const step = 2 ** level;
  const [left, right, share] = betweens(from.columns, to.columns, step);
  for (let y = 0; y < to.rows; y += 1) {
    const upper = Math.min(from.rows - 1, Math.floor(y / step));
    const lower = Math.min(from.rows - 1, upper + 1);
    const down = y / step - Math.floor(y / step);
    for (let x = 0; x < to.columns; x += 1) {
      const [l, r, across] = [left[x] ?? 0, right[x] ?? 0, share[x] ?? 0];
      const above = between(small[upper * from.columns + l], small[upper * from.columns + r], across);
      const below = between(small[lower * from.columns + l], small[lower * from.columns + r], across);
      large[y * to.columns + x] = above + (below - above) * down;
    }
  }
  return large;
}

type Numbers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array;

interface Size {
  columns: number;
  rows: number;
}

function betweens(from: number, to: number, step: number): [Int32Array, Int32Array, Float32Array] {
  const [left, right, share] = [new Int32Array(to), new Int32Array(to), new Float32Array(to)];
  for (let x = 0; x < to; x += 1) {
    left[x] = Math.min(from - 1, Math.floor(x / step));
    right[x] = Math.min(from - 1, Math.floor(x / step) + 1);
    share[x] = x / step - Math.floor(x / step);
  }
  return [left, right, share];
}

const between = (a = 0, b = 0, share: number): number => a + (b - a) * share;
