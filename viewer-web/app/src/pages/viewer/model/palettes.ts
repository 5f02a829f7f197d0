/** Colour tables (PS3.3 C.7.6.3.1.5) as the loader wants them: numbers, where the metadata has bytes or an address. */
import { numbers, type DataSet } from '~/api/dicomJson';
import { bytesOf } from '~/api/dicomweb';

const tables = [
  { descriptor: '00281101', data: '00281201' },
  { descriptor: '00281102', data: '00281202' },
  { descriptor: '00281103', data: '00281203' },
];

/** The same data sets with the values of their colour tables filled in. Sets without such tables stay as they are. */
export function withPalettes(sets: readonly DataSet[]): Promise<DataSet[]> {
  return Promise.all(sets.map(async (set) => {
    if (!tables.some(({ data }) => set[data])) return set;
    const filled = await Promise.all(tables.map(async ({ descriptor, data }) => {
      const attribute = set[data];
      const bytes = attribute?.Value ? null : await bytesOf(attribute);
      return bytes && attribute ? [[data, { vr: attribute.vr, Value: entriesOf(bytes, numbers(set, descriptor)[0] ?? 0) }]] : [];
    }));
    return { ...set, ...(Object.fromEntries(filled.flat()) as DataSet) };
  }));
}

/** The entries: words, little endian; or single bytes where there are only as many bytes as entries. Zero means 65536. */
export function entriesOf(bytes: Uint8Array<ArrayBuffer>, count: number): number[] {
  const entries = count === 0 ? 65_536 : count;
  if (bytes.length < entries * 2) return [...bytes.subarray(0, entries)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: entries }, (_, at) => view.getUint16(at * 2, true));
}
