/** In which form and order frames are asked for. The whole rule: the line's speed decides, nothing else is set. */

/** What of a frame matters for how it is fetched. */
export interface FrameShape {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsAllocated: number;
  photometric: string;
  planar: boolean;
  /** Whether the image says with which window it wants to be seen. */
  windowed: boolean;
}

/** How the frames of a stack are fetched. */
export interface Way {
  /** Uncompressed frames come in HTJ2K; compressed ones always as they are stored. */
  compressed: boolean;
  /** A coarse picture of every image comes before the full one of any that is not looked at. */
  coarseFirst: boolean;
  /** Requests at a time. */
  parallel: number;
  /** Frames of one object that are asked for in one request. */
  batch: number;
  /** What is to come of a stack of single images may come in one answer for its series. */
  whole: boolean;
}

/**
 * Below this rate (bytes a second) HTJ2K pays: a third of the bytes saves more time than encoding them once and decoding
 * them here takes. Above it frames come as they lie.
 */
export const compressBelow = 20_000_000;
/** Below this rate (20 Mbit/s) a stack is first fetched coarsely, and few requests share the line, so that what is looked at comes soon. */
export const coarseBelow = 2_500_000;

/** About twenty requests at once fill a fast line; more only wait in each other's way. */
const usualParallel = 20;
const slowParallel = 4;
/** One request for frames of a film brings what comes in half a second, within these bounds. */
const batchSeconds = 0.5;
const batchMostBytes = 16 * 1024 * 1024;

/** Uncompressed size of a frame. */
export const frameBytes = ({ rows, columns, samplesPerPixel, bitsAllocated }: FrameShape): number => Math.ceil((rows * columns * samplesPerPixel * bitsAllocated) / 8);

/** How to fetch at a rate in bytes a second; null when it is not known. */
export function wayAt(rate: number | null, shape: FrameShape): Way {
  const compressed = rate !== null && rate < compressBelow && isCompressible(shape);
  const slow = rate !== null && rate < coarseBelow;
  const bytes = Math.max(1, frameBytes(shape) / (compressed ? 2.5 : 1));
  const batch = Math.floor(Math.min(batchMostBytes, (rate ?? compressBelow) * batchSeconds) / bytes);
  const whole = rate !== null && rate >= compressBelow;
  return { compressed, coarseFirst: slow && compressed && hasStages(shape), parallel: slow ? slowParallel : usualParallel, batch: Math.max(1, batch), whole };
}

/**
 * Whether so many frames are better had in one answer with all that their series has: more than go out at once anyway,
 * and at least half of what comes is wanted.
 */
export const isWorthWhole = (due: number, seriesFrames: number): boolean => due > usualParallel && due * 2 >= seriesFrames;

/** Grey and interleaved RGB of 8 or 16 bits: what the server encodes and the decoder here gives back as it was. */
function isCompressible({ samplesPerPixel, bitsAllocated, photometric, planar }: FrameShape): boolean {
  const grey = samplesPerPixel === 1 && photometric.startsWith('MONOCHROME');
  const colour = samplesPerPixel === 3 && photometric === 'RGB' && !planar;
  return (grey || colour) && (bitsAllocated === 8 || bitsAllocated === 16);
}

/**
 * Whether coarse pictures of the frame are shown on the way. Without a window of its own an image is seen in that of its
 * extremes, which a coarse picture does not know.
 */
export function hasStages({ rows, columns, samplesPerPixel, photometric, windowed }: FrameShape): boolean {
  return windowed && samplesPerPixel === 1 && photometric.startsWith('MONOCHROME') && Math.min(rows, columns) >= 256;
}

/** Bytes that hold a picture of a quarter of the width: a sixteenth of the samples, at half their size. */
export const coarseBytes = (shape: FrameShape): number => Math.ceil(frameBytes(shape) / 32);

const syntax = (tail: string): string => `1.2.840.10008.1.2.${tail}`;
const htj2k = syntax('4.202');
/** The compressed transfer syntaxes that the decoders here read. */
const decoded = ['4.201', '4.202', '4.203', '4.50', '4.51', '4.57', '4.70', '4.80', '4.81', '4.90', '4.91', '4.110', '4.111', '4.112', '5'].map(syntax);

/** Whether the first bytes of a frame in this transfer syntax can be a picture: HTJ2K by resolutions. */
export const hasBeginnings = (transferSyntax: string): boolean => /\.4\.20[123]$/.test(transferSyntax);

/** Whether frames in this transfer syntax are not compressed: implicit and explicit, little and big endian, deflated as a whole. */
export const isNative = (transferSyntax: string): boolean => /^1\.2\.840\.10008\.1\.2(\.1|\.1\.99|\.2)?$/.test(transferSyntax);

/**
 * The Accept header of one frame. Whoever names compressed forms gets the stored one where it is among them, and else the
 * first encoded for him (PS3.18 8.7.3.5 leaves the choice to the server; ours does not encode what will do).
 */
export function acceptOne(compressed: boolean): string {
  return namesOf(compressed).map((name) => `application/octet-stream; transfer-syntax=${name}`).join(', ');
}

/** The Accept header of several frames in one answer. */
export function acceptSeveral(compressed: boolean): string {
  return namesOf(compressed).map((name) => `multipart/related; type="application/octet-stream"; transfer-syntax=${name}`).join(', ');
}

const namesOf = (compressed: boolean): string[] => (compressed ? [htj2k, ...decoded.filter((name) => name !== htj2k)] : ['*']);
