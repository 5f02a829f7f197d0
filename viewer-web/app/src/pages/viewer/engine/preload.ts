import { imageLoader } from '@cornerstonejs/core';
import type { ImageStack } from '../model/displaySets';
import { registerStack } from './register';
import { startEngine } from './setup';

/** Fetches and decodes the first image of a stack; the decoder of its transfer syntax is then at hand for the others too. */
export async function preload(stack: ImageStack): Promise<void> {
  startEngine();
  registerStack(stack);
  const [first] = stack.imageIds;
  if (first !== undefined) await imageLoader.loadAndCacheImage(first).catch(() => undefined);
}
