/**
 * Uncompressed grey frames need no decoder: a worker would only copy them, there and back, and each copy of a large
 * stack takes as long as fetching it.
 */
import { Enums, metaData, utilities, type Types } from '@cornerstonejs/core';
import { samplesIn, type StoredSamples } from '../model/samples';
import type { Encoded } from './retrieve';

const { MetadataModules } = Enums;

/** Explicit VR Little Endian. */
export const explicitLittleEndian = '1.2.840.10008.1.2.1';
/** Implicit and explicit little endian, and what is deflated as a whole but sent as it was. */
const littleEndian: ReadonlySet<string> = new Set(['1.2.840.10008.1.2', explicitLittleEndian, '1.2.840.10008.1.2.1.99']);
/** Their values depend on more than slope and intercept. */
const measuring: ReadonlySet<string> = new Set(['PT', 'RTDOSE']);

interface Pixels {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  pixelRepresentation: number;
  photometricInterpretation: string;
}

interface Rescaling {
  rescaleSlope?: number;
  rescaleIntercept?: number;
  modalityLUTSequence?: unknown[];
}

interface Window {
  windowCenter?: number[];
  windowWidth?: number[];
  voiLUTFunction?: Types.IImage['voiLUTFunction'] | Types.IImage['voiLUTFunction'][];
  voiLUTSequence?: unknown[];
}

/** The image of a frame whose bytes are its samples; null for every other, which the decoders make. Its bytes become the image's own. */
export function nativeImage(imageId: string, { bytes, syntax }: Encoded): Types.IImage | null {
  const pixels = moduleOf<Pixels>(MetadataModules.IMAGE_PIXEL, imageId);
  const rescaling = moduleOf<Rescaling>(MetadataModules.MODALITY_LUT, imageId);
  const window = moduleOf<Window>(MetadataModules.VOI_LUT, imageId);
  const { modality = '' } = moduleOf<{ modality: string }>(MetadataModules.GENERAL_SERIES, imageId);
  const { rows = 0, columns = 0, photometricInterpretation = '' } = pixels;
  const grey = pixels.samplesPerPixel === 1 && /^MONOCHROME[12]$/.test(photometricInterpretation);
  const tables = [rescaling.modalityLUTSequence, window.voiLUTSequence].some((table) => (table?.length ?? 0) > 0);
  if (!littleEndian.has(syntax) || !grey || tables || measuring.has(modality)) return null;
  const stored = storedSamples(imageId);
  const { slope, intercept } = stored;
  const samples = samplesIn(bytes, stored);
  if (!samples) return null;
  const { values, min, max } = samples;
  const plane = moduleOf<{ columnPixelSpacing: number; rowPixelSpacing: number }>(MetadataModules.IMAGE_PLANE, imageId);
  const whole = utilities.windowLevel.toWindowLevel(min, max);
  const centre = window.windowCenter?.[0];
  const width = window.windowWidth?.[0];
  const windowed = centre !== undefined && width !== undefined;
  const scaled = slope !== 1 || intercept !== 0;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({ scalarData: values, width: columns, height: rows, numberOfComponents: 1 });
  return {
    imageId, rows, columns, height: rows, width: columns,
    dataType: values.constructor.name as Types.IImage['dataType'],
    sizeInBytes: values.byteLength,
    getPixelData: () => values,
    voxelManager: voxelManager as NonNullable<Types.IImage['voxelManager']>,
    numberOfComponents: 1, color: false, rgba: false, photometricInterpretation,
    invert: photometricInterpretation === 'MONOCHROME1',
    minPixelValue: min, maxPixelValue: max, slope, intercept,
    preScale: scaled ? { enabled: true, scaled: true, scalingParameters: { rescaleSlope: slope, rescaleIntercept: intercept, modality } } : { enabled: false },
    columnPixelSpacing: plane.columnPixelSpacing as number,
    rowPixelSpacing: plane.rowPixelSpacing as number,
    calibration: moduleOf<NonNullable<Types.IImage['calibration']>>(MetadataModules.CALIBRATION, imageId) as NonNullable<Types.IImage['calibration']>,
    windowCenter: windowed ? centre : whole.windowCenter,
    windowWidth: windowed ? width : whole.windowWidth,
    voiLUTFunction: [window.voiLUTFunction].flat()[0] as Types.IImage['voiLUTFunction'],
    getCanvas: () => document.createElement('canvas'),
  };
}

/** How the samples of a grey frame are stored. */
export function storedSamples(imageId: string): StoredSamples {
  const { rows = 0, columns = 0, bitsAllocated = 0, bitsStored = bitsAllocated, highBit = bitsStored - 1, pixelRepresentation } = moduleOf<Pixels>(MetadataModules.IMAGE_PIXEL, imageId);
  const { rescaleSlope = 1, rescaleIntercept = 0 } = moduleOf<Rescaling>(MetadataModules.MODALITY_LUT, imageId);
  return { count: rows * columns, bitsAllocated, bitsStored, highBit, signed: pixelRepresentation === 1, slope: rescaleSlope, intercept: rescaleIntercept };
}

function moduleOf<T>(name: string, imageId: string): Partial<T> {
  return (metaData.get(name, imageId) as Partial<T> | undefined) ?? {};
}
