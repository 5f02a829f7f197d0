/** Fetches frames over DICOMweb: whole, the rest of one that has begun, or many in one answer. */
import { Problem, requestBytes } from '~/api/http';
import { boundaryOf, PartReader, syntaxOf, type Part, type PartHead } from '../model/parts';
import { acceptOne, acceptSeveral, hasBeginnings, isNative } from '../model/transport';

/** A frame as it came. */
export interface Encoded {
  bytes: Uint8Array<ArrayBuffer>;
  syntax: string;
}

/** A frame of which the first bytes have come. */
export interface Begun extends Encoded {
  /** So many of `bytes` have come. They have room for no more until the rest is asked for. */
  have: number;
  /** The length of the whole frame. */
  total: number;
  etag: string;
}

interface Wish {
  compressed: boolean;
  signal: AbortSignal;
  /** Before what only might be looked at. */
  urgent: boolean;
}

/** The size of an image's frame when it is not compressed. */
type NativeBytes = (imageId: string) => number;

/** The address of an image. */
export const addressOf = (imageId: string): string => imageId.replace(/^wadors:/, '');

/** Fetches one frame, or what is missing of it; `onBytes` is told of what has come so far. */
export async function retrieveFrame(imageId: string, wish: Wish, begun: Begun | null, onBytes: (begun: Begun) => void): Promise<Encoded> {
  // A small frame may have come whole with its first bytes; a server has no range beyond the end.
  if (begun && isWhole(begun)) return begun;
  const rest = begun ? { Range: `bytes=${begun.have}-`, 'If-Range': begun.etag } : {};
  const whole = await read(await ask(imageId, wish, rest), begun, onBytes);
  if (!isWhole(whole)) throw new Problem(0);
  return whole;
}

const isWhole = ({ have, total }: Begun): boolean => have >= total;

/** Fetches the first bytes of a frame. */
export async function retrieveBeginning(imageId: string, wish: Wish, bytes: number): Promise<Begun> {
  return read(await ask(imageId, wish, { Range: `bytes=0-${bytes - 1}` }), null, () => undefined);
}

/** Fetches frames of one object in one answer; `onFrame` gets each as soon as it is whole, in their order. */
export async function retrieveFrames(
  imageIds: readonly string[], { compressed, signal }: Wish, nativeBytes: NativeBytes, onFrame: (imageId: string, frame: Encoded) => void,
): Promise<void> {
  const [first = ''] = imageIds;
  const numbers = imageIds.map((imageId) => imageId.slice(imageId.lastIndexOf('/') + 1));
  const address = addressOf(first).replace(/[^/]+$/, numbers.join(','));
  const send = (accept: string): Promise<Response> => requestBytes(address, accept, signal, {}, 'low');
  const response = await send(acceptSeveral(compressed)).catch(orAsStored(compressed, () => send(acceptSeveral(false))));
  let next = 0;
  for await (const part of partsOf(response, () => imageIds[next], nativeBytes)) {
    const imageId = imageIds[next];
    if (imageId !== undefined) onFrame(imageId, encodedIn(part));
    next += 1;
  }
  if (next < imageIds.length) throw new Problem(0);
}

/**
 * Fetches the frames of a series in one answer, as they are stored (PS3.18 10.4.1.1.6). `onFrame` gets those of the
 * images named, as soon as each is whole and in the answer's order; no more is read until it has taken one.
 */
export async function retrieveSeries(
  imageIds: readonly string[], signal: AbortSignal, nativeBytes: NativeBytes, onFrame: (imageId: string, frame: Encoded) => Promise<void>,
): Promise<void> {
  const [first = ''] = imageIds;
  const wanted = new Map(imageIds.map((imageId) => [placeOf(imageId), imageId]));
  const imageAt = ({ contentLocation }: PartHead): string | undefined => wanted.get(placeOf(contentLocation));
  const address = addressOf(first).replace(/\/instances\/.*$/, '/pixeldata');
  const response = await requestBytes(address, acceptSeveral(false), signal, {}, 'low');
  for await (const part of partsOf(response, imageAt, nativeBytes)) {
    const imageId = imageAt(part);
    if (imageId !== undefined) await onFrame(imageId, encodedIn(part));
  }
}

/** What of an address names a frame within its series. */
const placeOf = (address: string): string => /\/instances\/[0-9.]+\/frames\/\d+$/.exec(address)?.[0] ?? '';

const encodedIn = ({ bytes, contentType }: Part): Encoded => ({ bytes, syntax: syntaxOf(contentType) });

/** The parts of an answer as they become whole, each made where it will stay when its size is known. */
async function* partsOf(response: Response, imageOf: (head: PartHead) => string | undefined, nativeBytes: NativeBytes): AsyncGenerator<Part, void> {
  const sizeOf = (head: PartHead): number | null => {
    if (head.contentLength !== null || !isNative(syntaxOf(head.contentType))) return head.contentLength;
    const imageId = imageOf(head);
    return imageId === undefined ? null : nativeBytes(imageId);
  };
  let reader: ReadableStreamBYOBReader | null = null;
  try {
    const parts = new PartReader(boundaryOf(response.headers.get('Content-Type') ?? ''), sizeOf);
    reader = placingReader(response);
    if (!reader) for await (const chunk of chunksOf(response)) yield* parts.feed(chunk);
    for (let ended = reader === null; reader && !ended;) {
      const { done, value } = await reader.read(parts.room());
      if (value) yield* parts.took(value);
      ended = done;
    }
    yield* parts.end();
  } finally {
    // What is not read to its end would stay on the line.
    if (reader) await reader.cancel().catch(() => undefined);
    else if (!response.body?.locked) await response.body?.cancel();
  }
}

/** Puts bytes where they will stay, without a copy; not every browser can. */
function placingReader({ body }: Response): ReadableStreamBYOBReader | null {
  try {
    return body?.getReader({ mode: 'byob' }) ?? null;
  } catch {
    return null;
  }
}

async function ask(imageId: string, { compressed, signal, urgent }: Wish, headers: Record<string, string>): Promise<Response> {
  const send = (accept: string): Promise<Response> => requestBytes(addressOf(imageId), accept, signal, headers, urgent ? 'high' : 'low');
  return send(acceptOne(compressed)).catch(orAsStored(compressed, () => send(acceptOne(false))));
}

/** A frame that cannot be compressed on the way is asked for as it is stored. */
function orAsStored(compressed: boolean, again: () => Promise<Response>): (problem: unknown) => Promise<Response> {
  return (problem) => {
    if (compressed && problem instanceof Problem && (problem.status === 406 || problem.status === 413)) return again();
    throw problem;
  };
}

/** Reads a body into the place it has in the frame. A server that sends the whole in place of a range has begun anew. */
async function read(response: Response, before: Begun | null, onBytes: (begun: Begun) => void): Promise<Begun> {
  const syntax = syntaxOf(response.headers.get('Content-Type') ?? '');
  const etag = response.headers.get('ETag') ?? '';
  if (response.status === 200 && !hasBeginnings(syntax)) {
    // Nothing is to be seen before the whole is here: the browser gathers it with fewer copies.
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { bytes, have: bytes.length, total: bytes.length, syntax, etag };
  }
  const { from, until, total } = rangeOf(response);
  const goesOn = before !== null && from === before.have;
  if (!goesOn && from !== 0) throw new Problem(0);
  const begun = goesOn ? before : { bytes: new Uint8Array(until - from), have: 0, total, syntax, etag };
  begun.total = total;
  if (begun.bytes.length < until) begun.bytes = longer(begun.bytes, until);
  for await (const chunk of chunksOf(response)) {
    if (begun.have + chunk.length > begun.bytes.length) begun.bytes = longer(begun.bytes, begun.have + chunk.length);
    begun.bytes.set(chunk, begun.have);
    begun.have += chunk.length;
    begun.total = Math.max(begun.total, begun.have);
    onBytes(begun);
  }
  return begun;
}

/** Which bytes of a frame an answer brings: all of them, unless it says so. */
function rangeOf({ headers }: Response): { from: number; until: number; total: number } {
  const [, first, last, whole] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? []).map(Number);
  if (first !== undefined && last !== undefined && whole !== undefined) return { from: first, until: last + 1, total: whole };
  const length = Number(headers.get('Content-Length') ?? 0);
  return { from: 0, until: length, total: length };
}

function longer(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(length);
  grown.set(bytes);
  return grown;
}

/** Not every browser can iterate over a stream. */
async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
