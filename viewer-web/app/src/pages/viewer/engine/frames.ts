/** The page's one frame queue over cornerstone's cache. */
import { Enums, imageLoader } from '@cornerstonejs/core';
import { FrameQueue } from '../model/frameQueue';
import { watchImages } from './setup';

const watchers = new Set<() => void>();
let scheduled = false;
let version = 0;

/** Tells the watchers at most once a frame of the screen. */
function changed(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    version += 1;
    for (const watcher of watchers) watcher();
  });
}

/** Loads what the cells show. A failed image leaves cornerstone's cache, so that asking again begins anew. */
export const frames = new FrameQueue(
  (imageId) => imageLoader.loadAndCacheImage(imageId, { priority: 0, requestType: Enums.RequestType.Prefetch }),
  changed,
);

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
