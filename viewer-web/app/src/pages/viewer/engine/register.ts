/** Tells cornerstone's loader what it must know of images before it can decode them, and has it forget that. */
import { cache } from '@cornerstonejs/core';
import { wadors } from '@cornerstonejs/dicom-image-loader';
import { numbers, type DataSet } from '~/api/dicomJson';
import type { ImageStack } from '../model/displaySets';
import { isOnItsWay } from './frameLoader';

type Metadata = Parameters<typeof wadors.metaDataManager.add>[1];

/** A data set, and the images that it is about. */
interface Known {
  set: DataSet;
  imageIds: readonly string[];
}

/** What the loader knows, by the image under which it finds it: the frames of one object share the first one's. */
const known = new Map<string, Known>();

/** Makes the images of a stack known; a data set that has been corrected takes the place of the former. */
export function registerStack({ multiFrame, imageIds, sets }: ImageStack): void {
  const [first] = imageIds;
  if (multiFrame && first !== undefined) register(first, sets[0], imageIds);
  else imageIds.forEach((imageId, at) => register(imageId, sets[at], [imageId]));
}

/** Forgets images that are in none of these stacks, once they have left the cache. */
export function forgetOthers(shown: readonly ImageStack[]): void {
  const ids = new Set(shown.flatMap(({ imageIds }) => imageIds));
  const isNeeded = (imageId: string): boolean => ids.has(imageId) || isOnItsWay(imageId) || cache.isLoaded(imageId);
  for (const [imageId, one] of known) if (!one.imageIds.some(isNeeded)) forget(imageId, one);
}

function register(imageId: string, set: DataSet | undefined, imageIds: readonly string[]): void {
  const before = known.get(imageId);
  if (!set || before?.set === set) return;
  if (before) forget(imageId, before);
  known.set(imageId, { set, imageIds });
  wadors.metaDataManager.add(imageId, usable(set) as unknown as Metadata);
}

function forget(imageId: string, { imageIds }: Known): void {
  known.delete(imageId);
  // What the loader has made of it for a frame, it keeps under that frame.
  for (const one of imageIds) wadors.metaDataManager.remove(one);
}

/**
 * The data set as a copy, since the loader writes into what it is given. Some devices send a pixel spacing of zero; no
 * spacing is the truth, and the image can be drawn.
 */
function usable(set: DataSet): DataSet {
  const spacing = numbers(set, '00280030');
  if (!set['00280030'] || (spacing.length === 2 && spacing.every((mm) => mm > 0))) return { ...set };
  const { '00280030': _unusable, ...rest } = set;
  return rest;
}
