/** Watches what comes from the server, and says how fast the line is. */
import { isOfLine, Link } from '../model/link';

const remembered = 'sen.line';
const link = new Link();
let watched = false;
let rate: number | null = null;
/** Answers under way that are read no faster than they are decoded. */
let sharing = 0;

/** Measures every answer from now on, and those that the page has had before. */
export function watchLink(): void {
  if (watched) return;
  watched = true;
  rate = recall();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!(entry instanceof PerformanceResourceTiming) || !entry.name.startsWith(window.location.origin)) continue;
      // Beside such an answer only what that leaves of the line is seen.
      if (sharing === 0 && isOfLine(entry)) link.note({ firstMs: entry.responseStart, lastMs: entry.responseEnd, bytes: entry.encodedBodySize });
    }
    rate = link.bytesPerSecond() ?? rate;
  }).observe({ type: 'resource', buffered: true });
  window.addEventListener('pagehide', remember);
}

/** Says that an answer is under way which is read no faster than it is decoded; until the function it gives is called. */
export function shareLine(): () => void {
  sharing += 1;
  return () => {
    sharing -= 1;
  };
}

/** Bytes a second; until something has come, as it was last time; null when nothing is known. */
export function lineRate(): number | null {
  return rate;
}

function remember(): void {
  if (rate === null) return;
  try {
    localStorage.setItem(remembered, String(Math.round(rate)));
  } catch {
    // A browser that keeps nothing measures anew each time.
  }
}

function recall(): number | null {
  try {
    const rate = Number(localStorage.getItem(remembered));
    return rate > 0 ? rate : null;
  } catch {
    return null;
  }
}
