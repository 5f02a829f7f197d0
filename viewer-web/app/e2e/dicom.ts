/** A small image as a Part 10 file (PS3.10 7.1), Explicit VR Little Endian: what a device would send. */
import { randomInt } from 'node:crypto';

/** Whose image it is, and the order it names. */
export interface ImageOf {
  patientId: string;
  patientName: string;
  birthDate: string;
  sex: string;
  accessionNumber: string;
  modality: string;
  /** Rows and columns. */
  side?: number;
  frames?: number;
  /** An overlay in the topmost of the allocated bits, of which twelve are stored. */
  overlay?: boolean;
}

/** A study of one CT image, of one frame of 16x16 unless said otherwise; answers its Study Instance UID and the file. */
export function smallStudy(of: ImageOf): { studyUid: string; file: Buffer } {
  const root = newRoot();
  return { studyUid: `${root}.1`, file: imageOf(of, root, 1, 1) };
}

/** Another content of that one image: the same UIDs, another patient's name. */
export function sameStudy(of: ImageOf, studyUid: string): Buffer {
  return imageOf(of, studyUid.replace(/\.1$/, ''), 1, 1);
}

/** A further image of a study's first series, with the number after its first. */
export function nextImage(of: ImageOf, studyUid: string): Buffer {
  return imageOf(of, studyUid.replace(/\.1$/, ''), 1, 2);
}

/** A study of one series of so many CT images, or of several; answers its Study Instance UID and the files. */
export function smallSeries(of: ImageOf, images: number, series = 1): { studyUid: string; files: Buffer[] } {
  const root = newRoot();
  const files = Array.from({ length: series * images }, (_, at) => imageOf(of, root, Math.floor(at / images) + 1, at + 1));
  return { studyUid: `${root}.1`, files };
}

const newRoot = (): string => `2.25.${randomInt(1, 2 ** 47)}${randomInt(1, 2 ** 47)}`;

/** The image with this number, in the series with that. */
function imageOf({ patientId, patientName, birthDate, sex, accessionNumber, modality, side = 16, frames = 1, overlay = false }: ImageOf, root: string, series: number, number: number): Buffer {
  const instanceUid = `${root}.3.${number}`;
  const ctImage = '1.2.840.10008.5.1.4.1.1.2';
  const explicit = '1.2.840.10008.1.2.1';
  const meta = Buffer.concat([
    element(0x0002, 0x0002, 'UI', ctImage), element(0x0002, 0x0003, 'UI', instanceUid), element(0x0002, 0x0010, 'UI', explicit),
    element(0x0002, 0x0012, 'UI', '2.25.1'),
  ]);
  const words = (value: number): Buffer => Buffer.from(Uint16Array.of(value).buffer);
  const set = Buffer.concat([
    element(0x0008, 0x0005, 'CS', 'ISO_IR 192'), element(0x0008, 0x0016, 'UI', ctImage), element(0x0008, 0x0018, 'UI', instanceUid),
    element(0x0008, 0x0020, 'DA', '20261123'), element(0x0008, 0x0030, 'TM', '081500'), element(0x0008, 0x0050, 'SH', accessionNumber),
    element(0x0008, 0x0060, 'CS', modality), element(0x0010, 0x0010, 'PN', patientName), element(0x0010, 0x0020, 'LO', patientId),
    element(0x0010, 0x0030, 'DA', birthDate), element(0x0010, 0x0040, 'CS', sex), element(0x0020, 0x000d, 'UI', `${root}.1`),
    element(0x0020, 0x000e, 'UI', `${root}.2.${series}`), element(0x0020, 0x0011, 'IS', String(series)), element(0x0020, 0x0013, 'IS', String(number)), element(0x0028, 0x0002, 'US', words(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0008, 'IS', String(frames)), element(0x0028, 0x0010, 'US', words(side)), element(0x0028, 0x0011, 'US', words(side)),
    element(0x0028, 0x0100, 'US', words(16)), element(0x0028, 0x0101, 'US', words(overlay ? 12 : 16)), element(0x0028, 0x0102, 'US', words(overlay ? 11 : 15)),
    element(0x0028, 0x0103, 'US', words(0)), element(0x0028, 0x1050, 'DS', '2000'), element(0x0028, 0x1051, 'DS', '4000'),
    element(0x7fe0, 0x0010, 'OW', discs(side, frames, number, overlay ? 0x8000 : 0)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(0x0002, 0x0000, 'UL', length), meta, set]);
}

/** A bright disc in noise, which no compression takes away; in each image and frame other noise. `above` stands in every value of the disc. */
function discs(side: number, frames: number, seed: number, above: number): Buffer {
  let state = seed;
  const values = Uint16Array.from({ length: side * side * frames }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const inside = Math.hypot((at % side) - side / 2, (Math.floor(at / side) % side) - side / 2) < side / 3;
    return (inside ? 2500 | above : 500) + (state >>> 22);
  });
  return Buffer.from(values.buffer);
}

/** Files as the body of a STOW-RS request, with its media type. */
export function stowBody(...files: readonly Buffer[]): { data: Buffer; headers: Record<string, string> } {
  const boundary = 'sen-journey';
  return {
    data: Buffer.concat([
      ...files.flatMap((file) => [Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), file]),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
    headers: { 'Content-Type': `multipart/related; type="application/dicom"; boundary=${boundary}`, Accept: 'application/dicom+json' },
  };
}

/** One element (PS3.5 7.1.2), padded to an even length. */
function element(group: number, number: number, vr: string, value: string | Buffer): Buffer {
  const raw = typeof value === 'string' ? Buffer.from(value) : value;
  const padded = raw.length % 2 === 0 ? raw : Buffer.concat([raw, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const head = Buffer.alloc(vr === 'OW' ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (vr === 'OW') head.writeUInt32LE(padded.length, 8);
  else head.writeUInt16LE(padded.length, 6);
  return Buffer.concat([head, padded]);
}
