/** The samples of an uncompressed grey frame, made of its bytes where they lie. */

/** How a frame's samples are stored, and what their values mean. */
export interface StoredSamples {
  /** How many there are. */
  count: number;
  bitsAllocated: number;
  bitsStored: number;
  /** The place of the topmost stored bit; what stands above it, or below the last, is no part of a value. */
  highBit: number;
  signed: boolean;
  /** Rescale slope and intercept (PS3.3 C.11.1). */
  slope: number;
  intercept: number;
}

/** Rescaled values and their extremes. */
export interface Samples {
  values: Uint8Array | Uint16Array | Int16Array;
  min: number;
  max: number;
}

/**
 * Little-endian bytes as rescaled values, in the memory they came in: short passes, no copy. Null where the values
 * take another type than the samples have room for, and where bytes are missing.
 */
export function samplesIn(bytes: Uint8Array<ArrayBuffer>, stored: StoredSamples): Samples | null {
  const { count, slope, intercept } = stored;
  if (!Number.isInteger(slope) || !Number.isInteger(intercept)) return null;
  const values = viewOf(bytes, stored);
  if (!values || count === 0) return null;
  // Most images have nothing beside their values, which their extremes tell without a pass of its own.
  if (stored.signed || shiftOf(stored) > 0) cutToStored(values, stored);
  let [min, max] = extremesOf(values);
  if (!stored.signed && max > mostOf(stored)) {
    cutToStored(values, stored);
    [min, max] = extremesOf(values);
  }
  if (slope === 1 && intercept === 0) return { values, min, max };
  const ends = [min * slope + intercept, max * slope + intercept].toSorted((a, b) => a - b) as [number, number];
  const rescaled = rescaledView(values, ends);
  if (!rescaled) return null;
  for (let at = 0; at < count; at += 1) rescaled[at] = (values[at] as number) * slope + intercept;
  return { values: rescaled, min: ends[0], max: ends[1] };
}

function viewOf(bytes: Uint8Array<ArrayBuffer>, { count, bitsAllocated, signed }: StoredSamples): Samples['values'] | null {
  if (bitsAllocated === 8) return signed || bytes.length < count ? null : bytes.subarray(0, count);
  if (bitsAllocated !== 16 || bytes.length < count * 2 || bytes.byteOffset % 2 !== 0) return null;
  return signed ? new Int16Array(bytes.buffer, bytes.byteOffset, count) : new Uint16Array(bytes.buffer, bytes.byteOffset, count);
}

function extremesOf(values: Samples['values']): [min: number, max: number] {
  let min = values[0] ?? 0;
  let max = min;
  for (let at = 1; at < values.length; at += 1) {
    const value = values[at] as number;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return [min, max];
}

const mostOf = ({ bitsStored }: StoredSamples): number => 2 ** bitsStored - 1;
const shiftOf = ({ bitsAllocated, bitsStored, highBit }: StoredSamples): number => (highBit >= bitsStored && highBit < bitsAllocated ? highBit + 1 - bitsStored : 0);

/** Cuts the values out of the allocated bits (PS3.5 8.1.1): older objects have overlays beside them. */
export function cutToStored(values: Samples['values'], stored: StoredSamples): void {
  const { bitsAllocated, bitsStored, signed } = stored;
  if (bitsStored >= bitsAllocated) return;
  const right = 32 - bitsStored;
  const left = right - shiftOf(stored);
  if (signed) for (let at = 0; at < values.length; at += 1) values[at] = ((values[at] as number) << left) >> right;
  else for (let at = 0; at < values.length; at += 1) values[at] = ((values[at] as number) << left) >>> right;
}

/** Whether rescaled values are more than the stored bits can say: their decoder has left in them what stands above. */
export function isBeyondStored(min: number, max: number, stored: StoredSamples): boolean {
  const { bitsAllocated, bitsStored, signed, slope, intercept } = stored;
  if (signed || bitsStored >= bitsAllocated) return false;
  const ends = [intercept, mostOf(stored) * slope + intercept];
  const rounding = Math.abs(slope) / 2;
  return min < Math.min(...ends) - rounding || max > Math.max(...ends) + rounding;
}

/** Signed before unsigned: the images of a stack then have one type, and share a texture. */
function rescaledView({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: Samples['values'], [min, max]: [number, number]): Samples['values'] | null {
  if (BYTES_PER_ELEMENT !== 2) return null;
  if (min >= -32768 && max <= 32767) return new Int16Array(buffer, byteOffset, length);
  return min >= 0 && max <= 65535 ? new Uint16Array(buffer, byteOffset, length) : null;
}
