/** The DICOMweb calls that the pages make. Frames go through the viewer's own loader. */
import { request, requestBytes } from './http';
import { date, number, text, time, type Attribute, type DataSet } from './dicomJson';

const root = '/dicomweb';

/** One series as QIDO-RS tells of it. */
export interface Series {
  studyUid: string;
  seriesUid: string;
  modality: string;
  number: number | null;
  description: string;
  bodyPart: string;
  date: string | null;
  time: string | null;
  instances: number;
}

/** The series of a study, in the order in which they were made. */
export async function seriesOf(studyUid: string, signal?: AbortSignal): Promise<Series[]> {
  const sets = await request<DataSet[] | undefined>(
    `${root}/studies/${studyUid}/series?includefield=0008103E,00180015,00201209,00080021,00080031`,
    { signal, accept: 'application/dicom+json' },
  );
  return (sets ?? []).map((set) => seriesFrom(studyUid, set)).toSorted(bySeriesNumber);
}

/** One instance of a series. */
export interface Instance {
  instanceUid: string;
  number: number | null;
}

/** The instances of a series by their numbers. */
export async function instancesOf(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Instance[]> {
  const sets = await request<DataSet[] | undefined>(
    `${root}/studies/${studyUid}/series/${seriesUid}/instances?includefield=00200013`, { signal, accept: 'application/dicom+json' },
  );
  const rows = (sets ?? []).map((set) => ({ instanceUid: text(set, '00080018') ?? '', number: number(set, '00200013') }));
  return rows.toSorted((a, b) => (a.number ?? Number.MAX_SAFE_INTEGER) - (b.number ?? Number.MAX_SAFE_INTEGER) || a.instanceUid.localeCompare(b.instanceUid));
}

/** Every instance's metadata of one series. */
export function metadataOf(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DataSet[]> {
  return request<DataSet[]>(`${root}/studies/${studyUid}/series/${seriesUid}/metadata`, {
    signal,
    accept: 'application/dicom+json',
  });
}

/** Modalities whose objects are no pictures. */
const withoutPictures = new Set(['SEG', 'SR', 'PR', 'KO', 'DOC', 'RTSTRUCT', 'RTPLAN', 'RTRECORD', 'REG', 'FID', 'AU', 'PLAN', 'ECG', 'HD']);

/** Whether a series of this modality is something to look at. */
export function hasPictures(modality: string): boolean {
  return !withoutPictures.has(modality);
}

/** The modalities that say what was done; those of documents only when there is nothing else. */
export function mainModalities(modalities: readonly string[]): string {
  const pictures = modalities.filter(hasPictures);
  return (pictures.length > 0 ? pictures : modalities).join(' ');
}

/** Where the picture of a series is. */
export function thumbnailOf(studyUid: string, seriesUid: string): string {
  // The form that the server has made ahead; a browser would ask for another.
  return `${root}/studies/${studyUid}/series/${seriesUid}/thumbnail?accept=image/jpeg`;
}

/** Where one instance is, without a host: the pages and the images come from the same server. */
export function instancePath(studyUid: string, seriesUid: string, instanceUid: string): string {
  return `${root}/studies/${studyUid}/series/${seriesUid}/instances/${instanceUid}`;
}

function seriesFrom(studyUid: string, set: DataSet): Series {
  return {
    studyUid,
    seriesUid: text(set, '0020000E') ?? '',
    modality: text(set, '00080060') ?? '',
    number: number(set, '00200011'),
    description: text(set, '0008103E') ?? '',
    bodyPart: text(set, '00180015') ?? '',
    date: date(set, '00080021'),
    time: time(set, '00080031'),
    instances: number(set, '00201209') ?? 0,
  };
}

function bySeriesNumber(a: Series, b: Series): number {
  const byNumber = (a.number ?? Number.MAX_SAFE_INTEGER) - (b.number ?? Number.MAX_SAFE_INTEGER);
  return byNumber || (a.date ?? '').localeCompare(b.date ?? '') || (a.time ?? '').localeCompare(b.time ?? '') || a.seriesUid.localeCompare(b.seriesUid);
}

/** The bytes of an attribute that were left out of the metadata, or stand in it as Base64; null when it has none. */
export async function bytesOf(attribute: Attribute | undefined, mediaType = 'application/octet-stream'): Promise<Uint8Array<ArrayBuffer> | null> {
  if (attribute?.InlineBinary) return Uint8Array.from(atob(attribute.InlineBinary), (char) => char.charCodeAt(0));
  if (!attribute?.BulkDataURI) return null;
  // Asked of this server whatever host the address names: behind a proxy it may know itself by another name.
  const { pathname, search } = new URL(attribute.BulkDataURI, window.location.origin);
  const response = await requestBytes(pathname + search, `${mediaType}, multipart/related; type="application/octet-stream"`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.headers.get('Content-Type')?.startsWith('multipart/') ? firstPart(bytes) : bytes;
}

/** The content of the only part of a multipart answer. */
function firstPart(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const latin = new TextDecoder('latin1').decode(bytes);
  const start = latin.indexOf('\r\n\r\n') + 4;
  const end = latin.lastIndexOf(`\r\n${latin.slice(0, latin.indexOf('\r\n'))}`);
  return bytes.slice(start, end > start ? end : undefined);
}
