/** Starts cornerstone once: renderer, image loader with its decoders, tools. */
import { cache, eventTarget, Enums, init as startCore, RenderingEngine } from '@cornerstonejs/core';
import { init as startLoader } from '@cornerstonejs/dicom-image-loader';
import { annotation, init as startTools } from '@cornerstonejs/tools';
import { Problem } from '~/api/http';
import { isGivenUp, registerFrameLoader, UnreadableImage } from './frameLoader';
import { watchLink } from './link';
import { addTools } from './tools';

let started = false;

let engine: RenderingEngine | null = null;

/** The engine that draws all cells of the page, once it is started. */
export function currentEngine(): RenderingEngine | null {
  return engine;
}

let drawable: boolean | null = null;

/** True when this browser can draw images at all. Tried once: a drawing context takes a slow computer a fifth of a second. */
export function canDraw(): boolean {
  if (drawable === null) {
    const context = document.createElement('canvas').getContext('webgl2');
    drawable = context !== null;
    context?.getExtension('WEBGL_lose_context')?.loseContext();
  }
  return drawable;
}

/** Starts everything; a second call finds it running. It stays for coming back: an engine without cells costs nothing. */
export function startEngine(): RenderingEngine {
  if (!started) {
    // Cells of one page have one size: they can share a drawing context, and each further one costs start-up time.
    startCore({ rendering: { webGlContextCount: 1 }, debug: {} });
    // One core stays free for the page; more workers than images in flight would idle.
    startLoader({ maxWebWorkers: Math.min(8, Math.max(1, (navigator.hardwareConcurrency || 2) - 1)) });
    registerFrameLoader();
    watchLink();
    startTools();
    addTools();
    styleMarks();
    silenceEchoes();
    cache.setMaxCacheSize(cacheBytes());
    started = true;
  }
  engine ??= new RenderingEngine('sen');
  return engine;
}

/** Calls back when an image enters or leaves the cache, or fails. */
export function watchImages(on: { added: (imageId: string) => void; removed: (imageId: string) => void; failed: (imageId: string) => void }): () => void {
  const listen = (type: string, act: (imageId: string) => void): (() => void) => {
    const listener = (event: Event): void => {
      const { detail } = event as CustomEvent<unknown>;
      const imageId = imageIdOf(detail);
      // What was given up on purpose has not failed.
      const givenUp = typeof detail === 'object' && detail !== null && 'error' in detail && isGivenUp(detail.error);
      if (imageId !== null && !givenUp) act(imageId);
    };
    eventTarget.addEventListener(type, listener);
    return () => eventTarget.removeEventListener(type, listener);
  };
  const stops = [
    listen(Enums.Events.IMAGE_CACHE_IMAGE_ADDED, on.added),
    listen(Enums.Events.IMAGE_CACHE_IMAGE_REMOVED, on.removed),
    listen(Enums.Events.IMAGE_LOAD_FAILED, on.failed),
    listen(Enums.Events.IMAGE_LOAD_ERROR, on.failed),
  ];
  return () => stops.forEach((stop) => stop());
}

/** The events name the image in one of two places. */
function imageIdOf(detail: unknown): string | null {
  if (typeof detail !== 'object' || detail === null) return null;
  if ('imageId' in detail && typeof detail.imageId === 'string') return detail.imageId;
  if ('image' in detail && typeof detail.image === 'object' && detail.image !== null && 'imageId' in detail.image) {
    return typeof detail.image.imageId === 'string' ? detail.image.imageId : null;
  }
  return null;
}

/** A failed request is told to whoever asked, and by cornerstone once more to nobody: that echo is no news. */
function silenceEchoes(): void {
  window.addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof Problem || event.reason instanceof UnreadableImage || isGivenUp(event.reason)) event.preventDefault();
  });
}

/** A quarter of the memory the browser admits to having, at least half a gigabyte. */
function cacheBytes(): number {
  const gigabytes = 'deviceMemory' in navigator && typeof navigator.deviceMemory === 'number' ? navigator.deviceMemory : 4;
  return Math.max(512, (gigabytes * 1024) / 4) * 1024 * 1024;
}

/** How many of these images may be held at once, for each of so many stacks; those already here say how large they are. */
export function roomFor(imageIds: readonly string[], stacks: number): number {
  const here = imageIds.find((imageId) => cache.getImage(imageId) !== undefined);
  const size = here === undefined ? undefined : cache.getImage(here)?.sizeInBytes;
  // A tenth stays free for what is being decoded.
  return size ? Math.floor((cache.getMaxCacheSize() * 0.9) / size / stacks) : imageIds.length;
}

/** Measurements in the accent, thin, readable over black and white alike. */
function styleMarks(): void {
  const styles = annotation.config.style;
  const usual = styles.getDefaultToolStyles();
  styles.setDefaultToolStyles({
    ...usual,
    global: {
      ...usual.global,
      color: 'rgb(134, 197, 213)',
      colorHighlighted: 'rgb(203, 230, 238)',
      colorSelected: 'rgb(228, 243, 247)',
      colorLocked: 'rgb(134, 197, 213)',
      lineWidth: '1.5',
      textBoxFontFamily: '"Segoe UI", "Noto Sans", sans-serif',
      textBoxFontSize: '13px',
      textBoxColor: 'rgb(134, 197, 213)',
      textBoxColorHighlighted: 'rgb(203, 230, 238)',
      textBoxColorSelected: 'rgb(228, 243, 247)',
      textBoxBackground: 'rgba(0, 0, 0, 0.55)',
      shadow: true,
    },
  });
}
