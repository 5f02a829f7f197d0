import { imageLoader, type Types } from '@cornerstonejs/core';
import { wadors } from '@cornerstonejs/dicom-image-loader';

/**
 * Puts a check behind the image loader: some decoders answer a frame they cannot read with no pixels and no error,
 * and such an image would not only be shown as nothing but leave the camera of its cell at no place at all.
 */
export function refuseEmptyImages(): void {
  imageLoader.registerImageLoader('wadors', (imageId, options) => {
    const loading = wadors.loadImage(imageId, options);
    return { ...loading, promise: loading.promise.then(whole) };
  });
}

/** A frame that no decoder made an image of. */
export class UnreadableImage extends Error {
  constructor() {
    super('the decoded image has fewer pixels than it should');
    this.name = 'UnreadableImage';
  }
}

function whole(image: Types.IImage): Types.IImage {
  const wanted = image.rows * image.columns;
  if (wanted > 0 && image.getPixelData().length >= wanted) return image;
  throw new UnreadableImage();
}
