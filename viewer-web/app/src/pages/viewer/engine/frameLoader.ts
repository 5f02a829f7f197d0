/** The images that cornerstone asks for by `wadors:` names: fetched, decoded, shown coarsely while a slow line brings the rest. */
import { cache, Enums, imageLoader, metaData, utilities, type Types } from '@cornerstonejs/core';
import { closedAt, enlarged, resolutionsOf } from '../model/htj2k';
import { coarseBytes, frameBytes, hasStages, wayAt, type FrameShape } from '../model/transport';
import { Beginnings } from './beginnings';
import { decode } from './decode';
import { lineRate, shareLine } from './link';
import { retrieveBeginning, retrieveFrame, retrieveFrames, retrieveSeries, type Begun, type Encoded } from './retrieve';

const { FULL_RESOLUTION, SUBRESOLUTION } = Enums.ImageQualityStatus;

/** Pictures smaller than an eighth of the width are no help to anybody. */
const coarsestLevel = 3;
/** Frames that have come and wait for their decoder; while there are more, no more are read. */
const mostWaiting = 16;
/** A coarse picture is shown when the whole is farther away than this. */
const worthwhileMs = 150;

/** Images on their way. */
const loading = new Map<string, Loading>();
/** Frames of which only the first bytes have been fetched. */
const beginnings = new Beginnings();
/** Frames that come in an answer with others. */
const coming = new Map<string, Promise<Encoded>>();
/** Objects that are stored compressed: their frames come as they are, and their first bytes are no picture. */
const storedCompressed = new Set<string>();

/** Takes over `wadors:` from cornerstone's own loader, which neither stops, nor shows stages of a frame, nor fetches many at once. */
export function registerFrameLoader(): void {
  imageLoader.registerImageLoader('wadors', load);
  utilities.imageRetrieveMetadataProvider.add('stack', { create: () => ({ loadImages: showStages }) });
}

interface PixelModule {
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsAllocated: number;
  photometricInterpretation: string;
  planarConfiguration: number;
}

/** What is known of a frame before it comes. */
export function shapeOf(imageId: string): FrameShape {
  const pixels = metaData.get(Enums.MetadataModules.IMAGE_PIXEL, imageId) as Partial<PixelModule> | undefined;
  const window = metaData.get(Enums.MetadataModules.VOI_LUT, imageId) as { windowWidth?: number[] } | undefined;
  const { rows = 0, columns = 0, samplesPerPixel = 1, bitsAllocated = 16, photometricInterpretation = '', planarConfiguration } = pixels ?? {};
  return {
    rows, columns, samplesPerPixel, bitsAllocated, photometric: photometricInterpretation, planar: planarConfiguration === 1,
    windowed: (window?.windowWidth?.[0] ?? 0) > 0,
  };
}

/** Fetches the first bytes of a frame, for a coarse picture when somebody looks at it; false when they are none, or too many are held. */
export async function loadBeginning(imageId: string, signal: AbortSignal): Promise<boolean> {
  if (beginnings.of(imageId) || loading.has(imageId)) return true;
  const bytes = coarseBytes(shapeOf(imageId));
  if (storedCompressed.has(objectOf(imageId)) || !beginnings.hasRoom(bytes)) return false;
  const begun = await retrieveBeginning(imageId, { compressed: true, signal, urgent: false }, bytes);
  // It may have come just before its stack was left.
  signal.throwIfAborted();
  if (!resolutionsOf(begun.bytes.subarray(0, begun.have))) {
    storedCompressed.add(objectOf(imageId));
    return false;
  }
  beginnings.hold(imageId, begun);
  return true;
}

/** Loads images into the cache, those of one object in one request; a promise for each. */
export function loadFrames(imageIds: readonly string[], signal: AbortSignal): Promise<unknown>[] {
  signal.addEventListener('abort', () => imageIds.forEach((imageId) => loading.get(imageId)?.cancel()));
  if (imageIds.length > 1) announce(imageIds, signal);
  return imageIds.map(prefetch);
}

/**
 * Loads images of one series into the cache from one answer for all of it; `onImage` is told of each. One that has been
 * asked for by itself meanwhile, since somebody looks at it, is left to its own request.
 */
export async function loadWhole(imageIds: readonly string[], signal: AbortSignal, onImage: (imageId: string, state: 'loaded' | 'failed') => void): Promise<void> {
  const waiting = new Set<Promise<void>>();
  const unshare = shareLine();
  try {
    await retrieveSeries(imageIds, signal, nativeBytes, async (imageId, frame) => {
      if (cache.getImageLoadObject(imageId)) return;
      // Whoever loads it from here on finds that it has come.
      coming.set(imageId, Promise.resolve(frame));
      const one = prefetch(imageId).then(() => onImage(imageId, 'loaded'), () => onImage(imageId, 'failed')).finally(() => waiting.delete(one));
      coming.delete(imageId);
      waiting.add(one);
      if (waiting.size >= mostWaiting) await Promise.race(waiting);
    });
  } finally {
    unshare();
    await Promise.all(waiting);
  }
}

const prefetch = (imageId: string): Promise<unknown> => imageLoader.loadAndCacheImage(imageId, { priority: 0, requestType: Enums.RequestType.Prefetch });
const nativeBytes = (imageId: string): number => frameBytes(shapeOf(imageId));

/** True for the end of a request that nobody waits for any more. */
export function isGivenUp(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** True until the whole image is there; a coarse picture of it may be on the screen. */
export function isOnItsWay(imageId: string): boolean {
  return loading.has(imageId);
}

/** True while the image on the screen is not yet what was stored. */
export function isCoarse(image: Types.IImage | undefined): boolean {
  return image?.imageQualityStatus !== undefined && image.imageQualityStatus < FULL_RESOLUTION;
}

function load(imageId: string, options: Record<string, unknown> = {}): ReturnType<Types.ImageLoaderFn> {
  const one = new Loading(imageId, options);
  loading.set(imageId, one);
  void one.stages.generate(() => one.run().finally(() => loading.delete(imageId)), () => undefined);
  return { promise: one.stages.getDonePromise() as Promise<Types.IImage>, cancelFn: () => one.cancel() };
}

type LoadOptions = NonNullable<Parameters<typeof imageLoader.loadAndCacheImage>[1]>;

/** Shows an image of a stack, coarsely first where that is worthwhile. */
async function showStages(imageIds: string[], viewport: Types.ImageLoadListener): Promise<void> {
  await Promise.all(imageIds.map(async (imageId) => {
    const promise = imageLoader.loadAndCacheImage(imageId, viewport.getLoaderImageOptions?.(imageId) as unknown as LoadOptions);
    loading.get(imageId)?.look();
    const show = (image: Types.IImage): void => viewport.successCallback(imageId, image);
    await (utilities.ProgressiveIterator.as(promise) as utilities.ProgressiveIterator<Types.IImage>)
      .forEach(show, (error: unknown) => viewport.errorCallback(imageId, true, error));
  }));
}

/** One image on its way. */
class Loading {
  readonly stages = new utilities.ProgressiveIterator<Types.IImage>('frame');
  private readonly imageId: string;
  private readonly options: Record<string, unknown>;
  private readonly shape: FrameShape;
  private readonly abort = new AbortController();
  private readonly asked = performance.now();
  private urgent: boolean;
  /** The finest stage that was decoded, or is being decoded. */
  private shownLevel = coarsestLevel + 1;
  private begun: Begun | null = null;

  constructor(imageId: string, options: Record<string, unknown>) {
    this.imageId = imageId;
    this.options = options;
    this.shape = shapeOf(imageId);
    this.urgent = options['requestType'] === Enums.RequestType.Interaction;
  }

  /** Somebody looks at it now. */
  look(): void {
    this.urgent = true;
    if (this.begun) this.showStage(this.begun);
  }

  cancel(): void {
    this.abort.abort();
  }

  async run(): Promise<void> {
    try {
      await this.fetch();
    } finally {
      // The cache keeps this with the image, to cancel it: its bytes must not stay as well.
      this.begun = null;
    }
  }

  private async fetch(): Promise<void> {
    const { imageId } = this;
    // Where the answer for many broke off, the rest are asked for alone: what is wrong with one is not wrong with them.
    const together = coming.get(imageId)?.catch((error: unknown) => (isGivenUp(error) ? Promise.reject(error) : this.retrieve()));
    const encoded = await (together ?? this.retrieve());
    beginnings.drop(imageId);
    const image = await decode(imageId, encoded, this.options, 0);
    if (image.getPixelData().length < image.rows * image.columns) throw new UnreadableImage();
    image.imageQualityStatus = FULL_RESOLUTION;
    this.stages.add(image, true);
  }

  private retrieve(): Promise<Encoded> {
    const { imageId, shape, urgent } = this;
    const begun = beginnings.of(imageId);
    const { compressed } = wayAt(lineRate(), shape);
    if (begun) this.progress(begun);
    // What began compressed goes on so: it is the rest of that.
    return retrieveFrame(imageId, { compressed: compressed || begun !== null, signal: this.abort.signal, urgent }, begun, (so) => this.progress(so));
  }

  private progress(begun: Begun): void {
    this.begun = begun;
    if (this.urgent) this.showStage(begun);
  }

  /** Decodes the finest picture that has come whole, unless the image itself is as good as here. */
  private showStage(begun: Begun): void {
    const { shape } = this;
    if (this.stages.done || !hasStages(shape) || begun.have >= begun.total) return;
    const come = resolutionsOf(begun.bytes.subarray(0, begun.have))?.filter(({ endBytes }) => endBytes <= begun.have).at(-1);
    if (!come || come.level === 0 || come.level >= this.shownLevel) return;
    // The line may be shared with others just now.
    const rate = Math.min(lineRate() ?? Number.POSITIVE_INFINITY, (begun.have * 1000) / Math.max(1, performance.now() - this.asked));
    if (((begun.total - begun.have) * 1000) / rate < worthwhileMs) return;
    this.shownLevel = come.level;
    void decode(this.imageId, { bytes: closedAt(begun.bytes, come.endBytes), syntax: begun.syntax }, this.options, come.level).then((image) => {
      if (!this.stages.done && this.shownLevel === come.level) this.stages.add(atFullSize(image, shape, come.level));
    }, () => undefined);
  }
}

/** A frame that no decoder made an image of: some answer one they cannot read with too few pixels and no error, which would leave its cell without a place. */
export class UnreadableImage extends Error {
  constructor() {
    super('the decoded image has fewer pixels than it should');
    this.name = 'UnreadableImage';
  }
}

/** A coarse picture in the place of its image: everything that is laid over it stays where it is. */
function atFullSize(image: Types.IImage, { rows, columns }: FrameShape, level: number): Types.IImage {
  const data = enlarged(image.getPixelData() as Int16Array, image, { rows, columns }, level);
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({ scalarData: data, width: columns, height: rows, numberOfComponents: 1 });
  return {
    ...image, rows, columns, width: columns, height: rows, sizeInBytes: data.byteLength, getPixelData: () => data,
    voxelManager: voxelManager as NonNullable<Types.IImage['voxelManager']>, imageQualityStatus: SUBRESOLUTION,
  };
}

/** Fetches frames of one object in one request; each is there for whoever asks, also before it has come. */
function announce(imageIds: readonly string[], signal: AbortSignal): void {
  const waiting = new Map<string, { resolve: (frame: Encoded) => void; reject: (error: unknown) => void }>();
  const { compressed } = wayAt(lineRate(), shapeOf(imageIds[0] ?? ''));
  for (const imageId of imageIds) {
    const promise = new Promise<Encoded>((resolve, reject) => waiting.set(imageId, { resolve, reject }));
    coming.set(imageId, promise);
    void promise.catch(() => undefined).finally(() => coming.delete(imageId));
  }
  void retrieveFrames(imageIds, { compressed, signal, urgent: false }, nativeBytes, (imageId, frame) => waiting.get(imageId)?.resolve(frame))
    .catch((error: unknown) => waiting.forEach(({ reject }) => reject(error)));
}

const objectOf = (imageId: string): string => imageId.slice(0, imageId.indexOf('/frames/'));

/** Forgets the first bytes of all frames but these. */
export function keepBeginnings(imageIds: ReadonlySet<string>): void {
  beginnings.keepOnly(imageIds);
}
