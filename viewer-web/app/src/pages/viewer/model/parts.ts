/** The parts of a `multipart/related` body (RFC 2046 5.1) while it arrives. */

/** One whole part. */
export interface Part {
  contentType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const returnByte = 13;

/** Cuts a body at its boundary; `feed` gives the parts that have become whole. */
export class PartReader {
  private held = new Uint8Array(1 << 16);
  private length = 0;
  /** Up to here there is no delimiter. */
  private searched = 0;
  private begun = false;
  private readonly delimiter: Uint8Array;

  constructor(boundary: string) {
    this.delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
    // The first delimiter may be the very beginning.
    this.append(Uint8Array.of(returnByte, 10));
  }

  /** Takes what has arrived. What stands before the first delimiter is no part. */
  feed(chunk: Uint8Array): Part[] {
    this.append(chunk);
    const parts: Part[] = [];
    for (let at = this.find(); at >= 0; at = this.find()) {
      if (this.begun) parts.push(partOf(this.held.subarray(0, at)));
      this.begun = true;
      this.drop(at + this.delimiter.length);
    }
    return parts;
  }

  private append(chunk: Uint8Array): void {
    const wanted = this.length + chunk.length;
    if (wanted > this.held.length) {
      const larger = new Uint8Array(Math.max(wanted, this.held.length * 2));
      larger.set(this.held.subarray(0, this.length));
      this.held = larger;
    }
    this.held.set(chunk, this.length);
    this.length = wanted;
  }

  private find(): number {
    const { held, length, delimiter } = this;
    for (let at = held.indexOf(returnByte, this.searched); at >= 0 && at + delimiter.length <= length; at = held.indexOf(returnByte, at + 1)) {
      this.searched = at + 1;
      if (delimiter.every((byte, offset) => held[at + offset] === byte)) return at;
    }
    this.searched = Math.max(this.searched, length - delimiter.length);
    return -1;
  }

  private drop(count: number): void {
    this.held.copyWithin(0, count, this.length);
    this.length -= count;
    this.searched = 0;
  }
}

/** Header lines, an empty line, content. */
function partOf(bytes: Uint8Array): Part {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const end = head.indexOf('\r\n\r\n');
  const contentType = /^content-type: *(.+?)\r?$/im.exec(head.slice(0, end + 2))?.[1] ?? '';
  return { contentType, bytes: new Uint8Array(bytes.subarray(end + 4)) };
}

/** The boundary that a Content-Type names; null when it is of another kind. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/related\b/i.test(contentType)) return null;
  return /;\s*boundary="?([^";]+)"?/i.exec(contentType)?.[1] ?? null;
}

/** The transfer syntax that a Content-Type names; without one, what the standard takes it for. */
export function syntaxOf(contentType: string): string {
  return /;\s*transfer-syntax="?([0-9.]+)"?/i.exec(contentType)?.[1] ?? '1.2.840.10008.1.2.1';
}
