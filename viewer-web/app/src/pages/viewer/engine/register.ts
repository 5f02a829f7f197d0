import { wadors } from '@cornerstonejs/dicom-image-loader';
import { numbers, type DataSet } from '~/api/dicomJson';
import type { ImageStack } from '../model/displaySets';

type Metadata = Parameters<typeof wadors.metaDataManager.add>[1];

const known = new Set<string>();

/** Tells the loader what it must know of each image before it can decode it. */
export function registerStack(stack: ImageStack): void {
  // The frames of one object share its data set: the loader finds it under the first frame.
  const ids = stack.multiFrame ? stack.imageIds.slice(0, 1) : stack.imageIds;
  ids.forEach((imageId, index) => {
    const set = stack.sets[index];
    if (!set || known.has(imageId)) return;
    known.add(imageId);
    wadors.metaDataManager.add(imageId, usable(set) as unknown as Metadata);
  });
}

/** Some devices send a pixel spacing of zero; no spacing is the truth, and the image can be drawn. */
function usable(set: DataSet): DataSet {
  const spacing = numbers(set, '00280030');
  if (!set['00280030'] || (spacing.length === 2 && spacing.every((mm) => mm > 0))) return set;
  const { '00280030': _unusable, ...rest } = set;
  return rest;
}
