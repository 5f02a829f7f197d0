/** The page's one frame queue over cornerstone's cache. */
import { FrameQueue } from '../model/frameQueue';
import { keepBeginnings, loadBeginning, loadFrames, loadWhole } from './frameLoader';
import { watchImages } from './setup';

const watchers = new Set<() => void>();
let scheduled = false;
let toldAtMs = Number.NEGATIVE_INFINITY;
let version = 0;

/** What changes alone is told at once, or nearly. */
const soonMs = 50;
/**
 * While hundreds of images come, texts and bars follow at a reader's pace: where no graphics card helps, drawing the page
 * takes a processor a tenth of a second, which the images are waiting for.
 */
const paceMs = 500;

/** Tells the watchers. */
function changed(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    toldAtMs = performance.now();
    version += 1;
    for (const watcher of watchers) watcher();
  }, Math.max(soonMs, toldAtMs + paceMs - performance.now()));
}

/** Loads what the cells show. A failed image leaves cornerstone's cache, so that asking again begins anew. */
export const frames = new FrameQueue({ full: loadFrames, whole: loadWhole, coarse: loadBeginning, keepOnly: keepBeginnings }, changed);

/** For `useSyncExternalStore`: calls back when some image came, went or failed. */
export function watchFrames(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Rises whenever some image's state has changed. */
export function framesVersion(): number {
  return version;
}

/** Keeps the queue's knowledge true to the cache while the viewer is open. */
export function followCache(): () => void {
  return watchImages({
    added: (imageId) => frames.note(imageId, 'loaded'),
    removed: (imageId) => frames.forget(imageId),
    failed: (imageId) => frames.note(imageId, 'failed'),
  });
}
