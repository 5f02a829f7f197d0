/** Just enough of a Part 10 file's head (PS3.10 7.1) to know which object a file is, so that the server's answer can name the file. */

/** What a file claims to be. */
export type Claim =
  | { kind: 'instance'; sopInstanceUid: string | null }
  | { kind: 'directory' }
  | { kind: 'notDicom' };

const mediaStorageDirectory = '1.2.840.10008.1.3.10';
/** The preamble, `DICM`, and more than any file meta group needs to reach the instance UID. */
export const headBytes = 1024;

/** Reads the claim from the first bytes of a file. */
export function readClaim(head: Uint8Array): Claim {
  if (head.length < 132 || ascii(head, 128, 4) !== 'DICM') return { kind: 'notDicom' };
  const meta = fileMeta(head);
  if (meta.get(0x0002) === mediaStorageDirectory) return { kind: 'directory' };
  return { kind: 'instance', sopInstanceUid: meta.get(0x0003) ?? null };
}

/** The UIDs of group 0002 by element number; always Explicit VR Little Endian. */
function fileMeta(head: Uint8Array): Map<number, string> {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const found = new Map<number, string>();
  let at = 132;
  while (at + 8 <= head.length && view.getUint16(at, true) === 0x0002) {
    const element = view.getUint16(at + 2, true);
    const vr = ascii(head, at + 4, 2);
    const long = vr === 'OB' || vr === 'UN';
    if (long && at + 12 > head.length) break;
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const start = at + (long ? 12 : 8);
    if (vr === 'UI' && start + length <= head.length) found.set(element, ascii(head, start, length).replace(/[\0 ]+$/, ''));
    at = start + length;
  }
  return found;
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
