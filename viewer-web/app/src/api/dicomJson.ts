/** Reading the DICOM JSON model (PS3.18 Annex F). Tags are written as eight hexadecimal digits. */

/** One attribute. */
export interface Attribute {
  vr: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}

/** A data set: tag → attribute. */
export type DataSet = Record<string, Attribute>;

/** The values of an attribute as texts; person names in their alphabetic form. */
export function texts(set: DataSet, tag: string): string[] {
  return (set[tag]?.Value ?? []).map(asText).filter((value) => value !== '');
}

/** The first value as text. */
export function text(set: DataSet, tag: string): string | null {
  return texts(set, tag)[0] ?? null;
}

/** All values as numbers (IS and DS may come as numbers or as texts); empty when one of them is neither. */
export function numbers(set: DataSet, tag: string): number[] {
  const values = (set[tag]?.Value ?? []).map(Number);
  return values.every(Number.isFinite) ? values : [];
}

/** The first value as a number. */
export function number(set: DataSet, tag: string): number | null {
  return numbers(set, tag)[0] ?? null;
}

/** The items of a sequence. */
export function items(set: DataSet, tag: string): DataSet[] {
  return (set[tag]?.Value ?? []).filter((item): item is DataSet => typeof item === 'object' && item !== null);
}

/** A DA value as `yyyy-MM-dd`. */
export function date(set: DataSet, tag: string): string | null {
  const parts = /^(\d{4})\.?(\d{2})\.?(\d{2})/.exec(text(set, tag) ?? '');
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : null;
}

/** A TM value as `HH:mm:ss`. */
export function time(set: DataSet, tag: string): string | null {
  const parts = /^(\d{2}):?(\d{2})?:?(\d{2})?/.exec(text(set, tag) ?? '');
  return parts ? `${parts[1]}:${parts[2] ?? '00'}:${parts[3] ?? '00'}` : null;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object' && value !== null && 'Alphabetic' in value) return String(value.Alphabetic).trim();
  return '';
}
