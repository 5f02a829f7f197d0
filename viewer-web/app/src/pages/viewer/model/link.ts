/** How fast the line to the server is, from what has come over it. */

/** One answer's body: when its first and its last byte came (ms), and how many there were. */
export interface Arrival {
  firstMs: number;
  lastMs: number;
  bytes: number;
}

/** What the browser says of an answer. */
type Timing = Pick<PerformanceResourceTiming, 'name' | 'initiatorType' | 'transferSize' | 'encodedBodySize' | 'decodedBodySize'>;

/**
 * Whether an answer came as fast as the line is. One from the browser's own store, asked about or not, did not come over
 * it; data that is compressed while it is sent comes as fast as it is compressed (the pages' own files lie compressed);
 * and the pixels of a series as fast as they are decoded.
 */
export function isOfLine({ name, initiatorType, transferSize, encodedBodySize, decodedBodySize }: Timing): boolean {
  const stored = transferSize < encodedBodySize;
  const compressedOnTheWay = initiatorType === 'fetch' && encodedBodySize < decodedBodySize;
  return !stored && !compressedOnTheWay && !name.endsWith('/pixeldata');
}

/** Smaller bodies come with their headers in one piece and say nothing of the line. */
const leastBytes = 16 * 1024;
/** So much of what came last is looked at: enough to even out single answers, little enough to follow a change. */
const windowBytes = 4_000_000;

/** Bytes a second while bodies were under way. What the server takes to make an answer lies before its body, and does not count. */
export class Link {
  private arrivals: Arrival[] = [];

  /** An answer has come whole. */
  note(arrival: Arrival): void {
    if (arrival.bytes < leastBytes) return;
    this.arrivals.push(arrival);
    let bytes = this.arrivals.reduce((sum, one) => sum + one.bytes, 0);
    while (this.arrivals.length > 1 && bytes - (this.arrivals[0]?.bytes ?? 0) >= windowBytes) bytes -= this.arrivals.shift()?.bytes ?? 0;
  }

  /** Null while nothing of any size has come. Bodies that came together share the time they took. */
  bytesPerSecond(): number | null {
    if (this.arrivals.length === 0) return null;
    const bytes = this.arrivals.reduce((sum, one) => sum + one.bytes, 0);
    let busyMs = 0;
    let until = Number.NEGATIVE_INFINITY;
    for (const { firstMs, lastMs } of this.arrivals.toSorted((a, b) => a.firstMs - b.firstMs)) {
      busyMs += Math.max(0, lastMs - Math.max(firstMs, until));
      until = Math.max(until, lastMs);
    }
    return (bytes * 1000) / Math.max(busyMs, 0.1);
  }
}
