/** Makes images of frames: at once where their bytes are their samples, and else by cornerstone's decoders. */
import { createImage } from '@cornerstonejs/dicom-image-loader';
import type { Types } from '@cornerstonejs/core';
import { cutToStored, isBeyondStored } from '../model/samples';
import { explicitLittleEndian, nativeImage, storedSamples } from './nativeImage';
import type { Encoded } from './retrieve';

/** The image of a frame, or of one of its coarser levels. */
export async function decode(imageId: string, encoded: Encoded, options: Record<string, unknown>, decodeLevel: number): Promise<Types.IImage> {
  const native = nativeImage(imageId, encoded);
  if (native) return native;
  const made = (await createImage(imageId, encoded.bytes, encoded.syntax, { ...options, decodeLevel })) as Types.IImage;
  return decodeLevel === 0 && hasOverlays(made) ? withoutOverlays(made, encoded, options) : made;
}

/** Decoders cut signed samples to the stored bits, and leave in unsigned ones what stands above. */
function hasOverlays({ imageId, color, preScale, minPixelValue, maxPixelValue }: Types.IImage): boolean {
  const stored = storedSamples(imageId);
  return !color && isBeyondStored(minPixelValue, maxPixelValue, preScale?.scaled ? stored : { ...stored, slope: 1, intercept: 0 });
}

/** Decodes a frame anew to its samples as they are stored, cuts them, and makes the image of those. */
async function withoutOverlays({ imageId }: Types.IImage, { bytes, syntax }: Encoded, options: Record<string, unknown>): Promise<Types.IImage> {
  const raw = ((await createImage(imageId, bytes, syntax, { ...options, preScale: { enabled: false } })) as Types.IImage).getPixelData();
  const stored = storedSamples(imageId);
  const copied = (): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> => (stored.bitsAllocated === 8 ? Uint8Array : Uint16Array).from(raw);
  const native = nativeImage(imageId, { bytes: new Uint8Array(copied().buffer), syntax: explicitLittleEndian });
  if (native) return native;
  const samples = copied();
  cutToStored(samples, stored);
  return (await createImage(imageId, new Uint8Array(samples.buffer), explicitLittleEndian, options)) as Types.IImage;
}
