/** The page of another viewer: cornerstone with its own DICOMweb loader, for which nothing of ours stands in. */
import { cache, init as startCore, ProgressiveRetrieveImages, type Types } from '@cornerstonejs/core';
import { init as startLoader, wadors } from '@cornerstonejs/dicom-image-loader';

/** How images come: whole, while they are read, or by byte ranges. */
export type Way = 'whole' | 'streamed' | 'ranges';

/** An image that was loaded. */
export interface LoadedImage {
  /** The transfer syntax that came. */
  transferSyntax: string;
  /** cornerstone's numbers for how good the picture was, each time that it became better. */
  qualities: number[];
  values: number;
  /** Values that are not those of the stored frame. */
  wrong: number;
}

declare global {
  interface Window {
    loadStudy: typeof loadStudy;
  }
}

type DataSet = Parameters<typeof wadors.metaDataManager.add>[1];
type Image = Types.IImage & { transferSyntaxUID?: string };

const ways: Record<Way, Types.IRetrieveConfiguration> = {
  whole: { stages: [{ id: 'all' }] },
  streamed: { stages: [{ id: 'all', retrieveType: 'one' }], retrieveOptions: { one: { streaming: true } } },
  ranges: {
    stages: [{ id: 'first', retrieveType: 'first' }, { id: 'rest', retrieveType: 'rest' }],
    retrieveOptions: { first: { rangeIndex: 0, decodeLevel: 3 }, rest: { rangeIndex: -1 } },
  },
};

startCore();
startLoader({ maxWebWorkers: 1 });
window.loadStudy = loadStudy;

/** Finds the series of a study, reads their metadata, loads every image, and compares it with its frame. */
async function loadStudy(studyUid: string, way: Way): Promise<LoadedImage[]> {
  cache.purgeCache();
  const study = `${location.origin}/dicomweb/studies/${studyUid}`;
  const imageIds: string[] = [];
  for (const series of await dataSets(`${study}/series`)) {
    for (const set of await dataSets(`${study}/series/${uid(series, '0020000E')}/metadata`)) {
      const imageId = `wadors:${study}/series/${uid(set, '0020000E')}/instances/${uid(set, '00080018')}/frames/1`;
      wadors.metaDataManager.add(imageId, set);
      imageIds.push(imageId);
    }
  }
  const seen = new Map<string, { image: Image; qualities: number[] }>();
  const failures: string[] = [];
  await ProgressiveRetrieveImages.createProgressive(ways[way]).loadImages(imageIds, {
    getLoaderImageOptions: () => ({ priority: 0 }),
    successCallback: (imageId: string, image: Image) => {
      const qualities = seen.get(imageId)?.qualities ?? [];
      if (qualities.at(-1) !== image.imageQualityStatus) qualities.push(image.imageQualityStatus ?? 0);
      seen.set(imageId, { image, qualities });
    },
    errorCallback: (imageId: string, permanent: boolean, reason: unknown) => {
      if (permanent) failures.push(`${imageId}: ${String(reason)}`);
    },
  });
  if (failures.length > 0) throw new Error(failures.join('\n'));
  return Promise.all([...seen].map(async ([imageId, { image, qualities }]) => ({
    transferSyntax: image.transferSyntaxUID ?? '', qualities, ...(await compared(imageId, image)),
  })));
}

async function dataSets(url: string): Promise<DataSet[]> {
  const answer = await fetch(url, { headers: { Accept: 'application/dicom+json' } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return (await answer.json()) as DataSet[];
}

function uid(set: DataSet, tag: string): string {
  return String((set as unknown as Record<string, { Value?: unknown[] }>)[tag]?.Value?.[0]);
}

async function compared(imageId: string, image: Image): Promise<{ values: number; wrong: number }> {
  const values = image.getPixelData();
  const plain = { Accept: 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1' };
  const frame = new Uint16Array(await (await fetch(imageId.replace('wadors:', ''), { headers: plain })).arrayBuffer());
  let wrong = Math.abs(frame.length - values.length);
  values.forEach((value, at) => {
    if (value !== frame[at]) wrong += 1;
  });
  return { values: values.length, wrong };
}
