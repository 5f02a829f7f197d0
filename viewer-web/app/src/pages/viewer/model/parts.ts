/** The parts of a `multipart/related` body (RFC 2046 5.1) while it arrives. */

/** What stands over a part. */
export interface PartHead {
  contentType: string;
  contentLocation: string;
  /** Null when the part does not say. */
  contentLength: number | null;
}

/** One whole part. */
export interface Part extends PartHead {
  bytes: Uint8Array<ArrayBuffer>;
}

/** What is known of a part's size before it has come; null when nothing is. It may be wrong. */
export type SizeOf = (head: PartHead) => number | null;

/** A part whose size is known, filled where it will stay. */
interface Place {
  head: PartHead;
  size: number;
  /** Of no length while its memory is lent to a stream. */
  bytes: Uint8Array<ArrayBuffer>;
  filled: number;
}

/** So much is looked at at once for a head, so that what follows it is copied only once. */
const headBytes = 1024;
/** No head is longer: what goes on without an empty line is none. */
const headMostBytes = 16 * 1024;
const returnByte = 13;
const dashes = Uint8Array.of(45, 45);
const emptyLine = Uint8Array.of(returnByte, 10, returnByte, 10);

/** An answer that is no `multipart/related` body: nothing of it is a part. */
export class MalformedParts extends Error {
  constructor(what: string) {
    super(`the answer is not made of parts: ${what}`);
    this.name = 'MalformedParts';
  }
}

/** Cuts a body at its boundary: what arrives is put into `room()`, and `took` gives the parts that have become whole. */
export class PartReader {
  /** What has arrived and is not yet taken lies from `from` to `to`. */
  private held = new Uint8Array(1 << 16);
  private from = 0;
  private to = 0;
  /** Up to here there is no delimiter. */
  private searched = 0;
  /** What comes next: anything up to the first delimiter, a head, content up to a delimiter, content of a known size, nothing. */
  private next: 'preamble' | 'head' | 'content' | Place | 'epilogue' = 'preamble';
  private head: PartHead = { contentType: '', contentLocation: '', contentLength: null };
  private readonly delimiter: Uint8Array;
  private readonly sizeOf: SizeOf;

  constructor(boundary: string, sizeOf: SizeOf = ({ contentLength }) => contentLength) {
    this.delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
    this.sizeOf = sizeOf;
    // The first delimiter may be the very beginning.
    this.append(Uint8Array.of(returnByte, 10));
  }

  /** Where the next bytes go: content of a known size where it will stay. */
  room(): Uint8Array<ArrayBuffer> {
    const place = unfilled(this.next);
    if (place) return place.bytes.subarray(place.filled);
    this.makeRoom(headBytes);
    return this.held.subarray(this.to, this.next === 'content' ? undefined : this.to + headBytes);
  }

  /**
   * Takes what has been put at the beginning of `room()`; its memory may have been moved, as a stream does that is read
   * into given memory. What stands before the first delimiter and after the last is no part.
   */
  *took(bytes: Uint8Array<ArrayBuffer>): Generator<Part, void> {
    const place = unfilled(this.next);
    if (place) {
      place.bytes = new Uint8Array(bytes.buffer);
      place.filled += bytes.length;
    } else {
      this.held = new Uint8Array(bytes.buffer);
      this.to += bytes.length;
    }
    for (let part = this.take(); part; part = this.take()) yield part;
  }

  /** Takes bytes that lie elsewhere. */
  *feed(chunk: Uint8Array): Generator<Part, void> {
    for (let at = 0; at < chunk.length && this.next !== 'epilogue';) {
      const room = this.room();
      const piece = chunk.subarray(at, at + room.length);
      room.set(piece);
      at += piece.length;
      yield* this.took(room.subarray(0, piece.length));
    }
  }

  /** The body has ended: no part is larger than what has come. */
  *end(): Generator<Part, void> {
    while (typeof this.next !== 'string') {
      this.putBack(this.next);
      for (let part = this.take(); part; part = this.take()) yield part;
    }
  }

  /** The next whole part of what is held. */
  private take(): Part | null {
    for (;;) {
      const { next } = this;
      if (next === 'epilogue') return null;
      if (next === 'head') {
        if (!this.takeHead()) return null;
      } else if (next === 'preamble' || next === 'content') {
        const end = this.find();
        if (end < 0) {
          // What stands before the first part is nothing to be kept.
          if (next === 'preamble') this.from = this.searched;
          return null;
        }
        const bytes = this.held.slice(this.from, end);
        this.drop(end + this.delimiter.length);
        this.next = 'head';
        if (next === 'content') return { ...this.head, bytes };
      } else {
        if (unfilled(next) || this.to - this.from < this.delimiter.length) return null;
        if (this.holds(this.delimiter, this.from)) {
          this.drop(this.from + this.delimiter.length);
          this.next = 'head';
          return { ...next.head, bytes: next.bytes };
        }
        this.putBack(next);
      }
    }
  }

  private takeHead(): boolean {
    if (this.to - this.from < emptyLine.length) return false;
    if (this.holds(dashes, this.from)) {
      this.next = 'epilogue';
      return true;
    }
    const end = this.indexOf(emptyLine, this.from);
    if ((end < 0 ? this.to : end) - this.from > headMostBytes) throw new MalformedParts('a head has no end');
    if (end < 0) return false;
    this.head = headOf(new TextDecoder('latin1').decode(this.held.subarray(this.from, end)));
    this.drop(end + emptyLine.length);
    const size = this.sizeOf(this.head);
    this.next = size === null ? 'content' : this.placeOf(size);
    return true;
  }

  /** A place for so many bytes, with those in it that have come. */
  private placeOf(size: number): Place {
    const bytes = new Uint8Array(size);
    const come = this.held.subarray(this.from, Math.min(this.to, this.from + size));
    bytes.set(come);
    this.drop(this.from + come.length);
    return { head: this.head, size, bytes, filled: come.length };
  }

  /** The size was wrong: the delimiter is looked for, which may have gone by already. */
  private putBack({ head, bytes, filled }: Place): void {
    const after = this.held.slice(this.from, this.to);
    this.drop(this.to);
    this.append(bytes.subarray(0, filled));
    this.append(after);
    this.head = head;
    this.next = 'content';
  }

  private append(chunk: Uint8Array): void {
    this.makeRoom(chunk.length);
    this.held.set(chunk, this.to);
    this.to += chunk.length;
  }

  private makeRoom(count: number): void {
    if (count <= this.held.length - this.to) return;
    const length = this.to - this.from;
    const place = length + count > this.held.length ? new Uint8Array(Math.max(length + count, this.held.length * 2)) : this.held;
    place.set(this.held.subarray(this.from, this.to));
    this.held = place;
    this.searched -= this.from;
    this.to = length;
    this.from = 0;
  }

  private find(): number {
    const at = this.indexOf(this.delimiter, this.searched);
    if (at < 0) this.searched = Math.max(this.searched, this.to - this.delimiter.length + 1);
    return at;
  }

  /** Where a sequence that begins with a return stands. */
  private indexOf(sequence: Uint8Array, from: number): number {
    for (let at = this.held.indexOf(returnByte, from); at >= 0 && at + sequence.length <= this.to; at = this.held.indexOf(returnByte, at + 1)) {
      if (this.holds(sequence, at)) return at;
    }
    return -1;
  }

  private holds(sequence: Uint8Array, at: number): boolean {
    return sequence.every((byte, offset) => this.held[at + offset] === byte);
  }

  private drop(until: number): void {
    this.from = until;
    this.searched = until;
  }
}

/** A place that is not yet full. */
const unfilled = (next: string | Place): Place | null => (typeof next !== 'string' && next.filled < next.size ? next : null);

/** Header lines. */
function headOf(text: string): PartHead {
  const field = (name: string): string => new RegExp(`^${name}: *(.+?)\\r?$`, 'im').exec(text)?.[1] ?? '';
  const length = field('content-length');
  return { contentType: field('content-type'), contentLocation: field('content-location'), contentLength: /^\d+$/.test(length) ? Number(length) : null };
}

/**
 * The boundary that a Content-Type names.
 *
 * @throws MalformedParts when it is of another kind, or names none.
 */
export function boundaryOf(contentType: string): string {
  const boundary = /^multipart\/related\b.*;\s*boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) throw new MalformedParts(contentType);
  return boundary;
}

/** The transfer syntax that a Content-Type names; without one, what the standard takes it for. */
export function syntaxOf(contentType: string): string {
  return /;\s*transfer-syntax="?([0-9.]+)"?/i.exec(contentType)?.[1] ?? '1.2.840.10008.1.2.1';
}
