import { Enums, imageLoader, type StackViewport } from '@cornerstonejs/core';
import type { ImageStack } from '../model/displaySets';
import { registerStack } from './register';
import { startEngine } from './setup';

/** Fetches and decodes the first image of a stack; the decoder of its transfer syntax is then at hand for the others too. */
export async function preload(stack: ImageStack): Promise<void> {
  startEngine();
  registerStack(stack);
  const [first] = stack.imageIds;
  if (first !== undefined) await imageLoader.loadAndCacheImage(first).catch(() => null);
}

let rehearsed = false;

/**
 * Draws one grey square where nobody sees it, once. Making the drawing context and compiling its shaders takes most of
 * the time between opening a study and its first image; here it is spent while the list is read.
 */
export async function rehearse(): Promise<void> {
  const engine = startEngine();
  // Somebody has opened images meanwhile: the play has begun.
  if (rehearsed || engine.getViewports().length > 0) return;
  rehearsed = true;
  const element = document.createElement('div');
  Object.assign(element.style, { position: 'fixed', left: '-200px', top: '0', width: '64px', height: '64px', visibility: 'hidden' });
  document.body.append(element);
  const id = 'rehearsal';
  try {
    imageLoader.createAndCacheLocalImage(`${id}:image`, { scalarData: new Int16Array(16 * 16).fill(100), dimensions: [16, 16], spacing: [1, 1] });
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element });
    const drawn = new Promise<void>((resolve) => {
      element.addEventListener(Enums.Events.IMAGE_RENDERED, () => resolve(), { once: true });
      setTimeout(resolve, 3000);
    });
    const viewport = engine.getViewport(id) as StackViewport;
    await viewport.setStack([`${id}:image`]);
    viewport.render();
    await drawn;
  } finally {
    engine.disableElement(id);
    element.remove();
  }
}
