/** What a series shows: stacks of images, loops of frames, documents. Built from its DICOM JSON metadata. */
import { date, items, number, numbers, text, time, type DataSet } from '~/api/dicomJson';
import { instancePath } from '~/api/dicomweb';

/** Images that are scrolled through. */
export interface ImageStack {
  is: 'stack';
  key: string;
  studyUid: string;
  seriesUid: string;
  modality: string;
  description: string;
  number: number | null;
  date: string | null;
  time: string | null;
  /** Timezone Offset From UTC (0008,0201): what date and time are read at. */
  offset: string | null;
  /** cornerstone's names of the images, in the order in which they are shown. */
  imageIds: string[];
  /** The metadata behind each image; frames of one object share theirs. */
  sets: DataSet[];
  /** Frames of one object: played as a film. */
  multiFrame: boolean;
  /** Frames of all objects of the series, those of its other stacks and of masks too. */
  seriesFrames: number;
  framesPerSecond: number;
}

/** An object that is no image. */
export interface DocumentSet {
  is: 'document';
  key: string;
  studyUid: string;
  seriesUid: string;
  modality: string;
  title: string;
  kind: DocumentKind;
  date: string | null;
  set: DataSet;
}

/** What can stand in a cell. */
export type DisplaySet = ImageStack | DocumentSet;
/** Kinds of objects that are no images. */
export type DocumentKind = 'pdf' | 'report' | 'keyObjects' | 'presentation' | 'waveform' | 'segmentation' | 'radiotherapy' | 'other';

/** Splits a series into what can be shown: single images together, each multi-frame object and each document alone. */
export function displaySetsOf(studyUid: string, seriesUid: string, metadata: readonly DataSet[], origin: string): DisplaySet[] {
  const images = metadata.filter(isImage);
  const single = images.filter((set) => frames(set) === 1).toSorted(inShownOrder);
  const loops = images.filter((set) => frames(set) > 1).toSorted(inShownOrder);
  const documents = metadata.filter((set) => !isImage(set));
  const seriesFrames = metadata.filter(hasPixels).reduce((sum, set) => sum + frames(set), 0);
  const at = { studyUid, seriesUid, origin, seriesFrames };
  return [
    ...(single.length > 0 ? [stackOf(at, single, false, '')] : []),
    ...loops.map((set) => stackOf(at, [set], true, loops.length > 1 || single.length > 0 ? ` #${number(set, '00200013') ?? ''}` : '')),
    ...documents.map((set) => documentOf(at, set)),
  ];
}

interface Place {
  studyUid: string;
  seriesUid: string;
  origin: string;
  seriesFrames: number;
}

function stackOf({ studyUid, seriesUid, origin, seriesFrames }: Place, sets: readonly DataSet[], multiFrame: boolean, suffix: string): ImageStack {
  const [first = {}] = sets;
  const shown = sets.flatMap((set) => {
    const path = origin + instancePath(studyUid, seriesUid, instanceUid(set));
    return Array.from({ length: frames(set) }, (_, frame) => ({ id: `wadors:${path}/frames/${frame + 1}`, set }));
  });
  return {
    is: 'stack',
    key: multiFrame ? instanceUid(first) : seriesUid,
    studyUid,
    seriesUid,
    modality: text(first, '00080060') ?? '',
    description: (text(first, '0008103E') ?? text(first, '00181030') ?? text(first, '00180015') ?? '') + suffix,
    number: number(first, '00200011'),
    date: date(first, '00080022') ?? date(first, '00080021') ?? date(first, '00080020'),
    time: time(first, '00080032') ?? time(first, '00080031') ?? time(first, '00080030'),
    offset: text(first, '00080201'),
    imageIds: shown.map(({ id }) => id),
    sets: shown.map(({ set }) => set),
    multiFrame,
    seriesFrames,
    framesPerSecond: rateOf(first),
  };
}

function documentOf({ studyUid, seriesUid }: Place, set: DataSet): DocumentSet {
  const kind = kindOf(text(set, '00080016') ?? '');
  return {
    is: 'document',
    key: instanceUid(set),
    studyUid,
    seriesUid,
    modality: text(set, '00080060') ?? '',
    title: text(set, '00420010') ?? codeMeaning(set, '0040A043') ?? text(set, '00700080') ?? text(set, '0008103E') ?? '',
    kind,
    date: date(set, '00080023') ?? date(set, '00080021') ?? date(set, '00080020'),
    set,
  };
}

/** What an object is, by its SOP class. */
export function kindOf(sopClass: string): DocumentKind {
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.104.')) return 'pdf';
  if (sopClass === '1.2.840.10008.5.1.4.1.1.88.59') return 'keyObjects';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.88.')) return 'report';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.11.')) return 'presentation';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.9.')) return 'waveform';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.66.')) return 'segmentation';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.481.')) return 'radiotherapy';
  return 'other';
}

/** The letters of (0020,0020), and whether the image knows its place in the patient. */
export function namingOf(set: DataSet): { by: 'patient' } | { by: 'image'; row: string; column: string } | { by: 'nothing' } {
  const plane = numbers(set, '00200037').length === 6 ? set : items(items(set, '52009230')[0] ?? items(set, '52009229')[0] ?? {}, '00209116')[0];
  if (plane && numbers(plane, '00200037').length === 6) return { by: 'patient' };
  const sharedPlane = items(items(set, '52009229')[0] ?? {}, '00209116')[0];
  if (sharedPlane && numbers(sharedPlane, '00200037').length === 6) return { by: 'patient' };
  const [row, column] = (set['00200020']?.Value ?? []).map(String);
  return row && column ? { by: 'image', row, column } : { by: 'nothing' };
}

const parametricMap = '1.2.840.10008.5.1.4.1.1.30';
const instanceUid = (set: DataSet): string => text(set, '00080018') ?? '';
const frames = (set: DataSet): number => Math.max(1, number(set, '00280008') ?? 1);

/**
 * An image has rows and columns. So have segmentations, whose bits are a mask over other images, and parametric maps,
 * whose values are floating point and no grey levels: neither is drawn as if it were a picture.
 */
function isImage(set: DataSet): boolean {
  const sopClass = text(set, '00080016') ?? '';
  return kindOf(sopClass) !== 'segmentation' && sopClass !== parametricMap && hasPixels(set);
}

const hasPixels = (set: DataSet): boolean => (number(set, '00280010') ?? 0) > 0 && (number(set, '00280011') ?? 0) > 0;

/** The order of acquisition; where numbers are missing or equal, along the stack's axis. */
function inShownOrder(a: DataSet, b: DataSet): number {
  const byNumber = (number(a, '00200013') ?? 0) - (number(b, '00200013') ?? 0);
  return byNumber || along(a) - along(b) || instanceUid(a).localeCompare(instanceUid(b));
}

/** How far an image lies along its own normal, in mm. */
function along(set: DataSet): number {
  const [rx = 0, ry = 0, rz = 0, cx = 0, cy = 0, cz = 0] = numbers(set, '00200037');
  const [x = 0, y = 0, z = 0] = numbers(set, '00200032');
  return x * (ry * cz - rz * cy) + y * (rz * cx - rx * cz) + z * (rx * cy - ry * cx);
}

/** Frames per second from cine rate, recommended rate or frame time (ms); what a film shows when nothing is said. */
function rateOf(set: DataSet): number {
  const frameTime = number(set, '00181063');
  const rate = number(set, '00180040') ?? number(set, '00082144') ?? (frameTime ? 1000 / frameTime : null);
  return rate && rate > 0 ? Math.min(60, Math.max(1, Math.round(rate))) : 15;
}

function codeMeaning(set: DataSet, tag: string): string | null {
  const [code] = items(set, tag);
  return code ? text(code, '00080104') : null;
}
