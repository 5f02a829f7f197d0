/** One STOW-RS request (PS3.18 10.5): files streamed from disk by the browser, the answer read instance by instance. */
import { items, number, text, type DataSet } from '~/api/dicomJson';
import type { phrases } from '~/i18n';

/** Why a file was not kept; a number is a failure reason that has no word here. */
export type Reason = Exclude<keyof (typeof phrases)['vi']['search']['upload']['reason'], 'unknown'> | number;

/** Why an instance was not kept, with the server's own words where it gave any. */
export interface Refusal {
  reason: Reason;
  comment: string | null;
}

/** What the server said of a request: SOP instance UID → kept (null) or why not. */
export interface StowAnswer {
  outcomes: Map<string, Refusal | null>;
  /** Set when the request as a whole failed and says nothing of single instances. */
  whole: Reason | null;
}

/** A request that can be given up. */
export interface Sending {
  answer: Promise<StowAnswer>;
  abort: () => void;
}

/** Sends files in one request; `onSent` is told how many bytes have left. */
export function sendFiles(files: readonly File[], onSent: (sentBytes: number) => void): Sending {
  const boundary = `sen-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
  const parts = files.flatMap((file): BlobPart[] => [`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, '\r\n']);
  const body = new Blob([...parts, `--${boundary}--\r\n`]);
  const xhr = new XMLHttpRequest();
  const answer = new Promise<StowAnswer>((resolve) => {
    xhr.open('POST', '/dicomweb/studies');
    xhr.setRequestHeader('Content-Type', `multipart/related; type="application/dicom"; boundary=${boundary}`);
    xhr.setRequestHeader('Accept', 'application/dicom+json');
    xhr.upload.onprogress = (event) => onSent(event.loaded);
    xhr.onload = () => resolve(readAnswer(xhr.status, xhr.responseText));
    xhr.onerror = () => resolve({ outcomes: new Map(), whole: 'network' });
    xhr.onabort = () => resolve({ outcomes: new Map(), whole: 'stopped' });
    xhr.send(body);
  });
  return { answer, abort: () => xhr.abort() };
}

/** Reads the store instances response (PS3.18 10.5.3). */
export function readAnswer(status: number, body: string): StowAnswer {
  const set = parse(body);
  const outcomes = new Map<string, Refusal | null>();
  for (const kept of items(set, '00081199')) outcomes.set(text(kept, '00081155') ?? '', null);
  for (const failed of items(set, '00081198')) {
    // An instance too broken to be named is told of without a UID; alone in its request it is still known.
    outcomes.set(text(failed, '00081155') ?? '', { reason: reasonOf(number(failed, '00081197')), comment: text(failed, '00000902') });
  }
  return { outcomes, whole: outcomes.size > 0 ? null : wholeReason(status) };
}

/** Failure reasons of PS3.3 C.12.1.1.11 and PS3.4 B.2.3 in words. */
export function reasonOf(code: number | null): Reason {
  if (code === null || code === 0x0110) return 'refused';
  if (code === 0x0122) return 'notSupported';
  if (code === 0x0124) return 'forbidden';
  if (code >= 0xa700 && code <= 0xa7ff) return 'full';
  if (code >= 0xa900 && code <= 0xa9ff) return 'mismatch';
  if (code >= 0xc000 && code <= 0xcfff) return 'refused';
  return code;
}

function wholeReason(status: number): Reason | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 413) return 'tooLarge';
  if (status === 415) return 'notSupported';
  if (status === 503 || status === 507) return 'full';
  return status === 0 ? 'network' : 'refused';
}

function parse(body: string): DataSet {
  try {
    const value: unknown = JSON.parse(body);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === 'object' && first !== null ? (first as DataSet) : {};
  } catch {
    return {};
  }
}
