/** Fetches frames over DICOMweb: whole, the rest of one that has begun, or many in one answer. */
import { Problem, requestBytes } from '~/api/http';
import { boundaryOf, PartReader, syntaxOf } from '../model/parts';
import { acceptOne, acceptSeveral, hasBeginnings } from '../model/transport';

/** A frame as it came. */
export interface Encoded {
  bytes: Uint8Array<ArrayBuffer>;
  syntax: string;
}

/** A frame of which the first bytes have come. */
export interface Begun extends Encoded {
  /** So many of `bytes` have come; `bytes` has room for all. */
  have: number;
  etag: string;
}

interface Wish {
  compressed: boolean;
  signal: AbortSignal;
  /** Before what only might be looked at. */
  urgent: boolean;
}

/** The address of an image. */
export const addressOf = (imageId: string): string => imageId.replace(/^wadors:/, '');

/** Fetches one frame, or what is missing of it; `onBytes` is told of what has come so far. */
export async function retrieveFrame(imageId: string, wish: Wish, begun: Begun | null, onBytes: (begun: Begun) => void): Promise<Encoded> {
  const rest = begun ? { Range: `bytes=${begun.have}-`, 'If-Range': begun.etag } : {};
  const whole = await read(await ask(imageId, wish, rest), begun, onBytes);
  if (whole.have < whole.bytes.length) throw new Problem(0);
  return whole;
}

/** Fetches the first bytes of a frame. */
export async function retrieveBeginning(imageId: string, wish: Wish, bytes: number): Promise<Begun> {
  return read(await ask(imageId, wish, { Range: `bytes=0-${bytes - 1}` }), null, () => undefined);
}

/** Fetches frames of one object in one answer; `onFrame` gets each as soon as it is whole, in their order. */
export async function retrieveFrames(imageIds: readonly string[], { compressed, signal }: Wish, onFrame: (imageId: string, frame: Encoded) => void): Promise<void> {
  const [first = ''] = imageIds;
  const numbers = imageIds.map((imageId) => imageId.slice(imageId.lastIndexOf('/') + 1));
  const address = addressOf(first).replace(/[^/]+$/, numbers.join(','));
  const send = (accept: string): Promise<Response> => requestBytes(address, accept, signal, {}, 'low');
  const response = await send(acceptSeveral(compressed)).catch(orAsStored(compressed, () => send(acceptSeveral(false))));
  const parts = new PartReader(boundaryOf(response.headers.get('Content-Type') ?? '') ?? '');
  let next = 0;
  for await (const chunk of chunksOf(response)) {
    for (const { contentType, bytes } of parts.feed(chunk)) {
      const imageId = imageIds[next];
      if (imageId !== undefined) onFrame(imageId, { bytes, syntax: syntaxOf(contentType) });
      next += 1;
    }
  }
  if (next < imageIds.length) throw new Problem(0);
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
    return { bytes, have: bytes.length, syntax, etag };
  }
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '');
  const begun: Begun = before && range && Number(range[1]) === before.have ? before : {
    bytes: new Uint8Array(Number(range?.[2] ?? response.headers.get('Content-Length') ?? 0)),
    have: 0,
    syntax,
    etag,
  };
  for await (const chunk of chunksOf(response)) {
    if (begun.have + chunk.length > begun.bytes.length) begun.bytes = longer(begun.bytes, begun.have + chunk.length);
    begun.bytes.set(chunk, begun.have);
    begun.have += chunk.length;
    onBytes(begun);
  }
  return begun;
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
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
