/**
 * The text a scanner types from a card, fields separated by `|`:
 * - the citizen card: number | old number | name | birth ddMMyyyy | sex | address | day of issue …
 * - the health insurance card: number | name (plain, or UTF-8 in hexadecimal) | birth dd/MM/yyyy | 1 or 2 | …
 */
import { parseDay } from './dates';

/** What a card says of its holder. */
export interface CardHolder {
  name: string;
  birthDate: string | null;
  sex: 'M' | 'F' | null;
  nationalId: string | null;
  insuranceId: string | null;
}

/** True while the text can only come from a card's code. */
export function looksLikeCard(text: string): boolean {
  return text.split('|').length >= 4;
}

/** Reads the text of a card's code; null when it is neither kind of card. */
export function parseCard(text: string): CardHolder | null {
  const fields = text.trim().split('|').map((field) => field.trim());
  const [number = '', second = '', third = '', fourth = '', fifth = ''] = fields;
  if (fields.length < 4) return null;
  if (/^\d{12}$/.test(number) && third !== '') {
    return { name: third, birthDate: birth(fourth), sex: sex(fifth), nationalId: number, insuranceId: null };
  }
  if (/^([A-Z]{2}\d{13}|\d{10})$/i.test(number) && second !== '') {
    return { name: fromHex(second), birthDate: birth(third), sex: sex(fourth), nationalId: null, insuranceId: number.toUpperCase() };
  }
  return null;
}

/** A full day, or null: some cards carry only the year, which is not a date of birth. */
function birth(text: string): string | null {
  return parseDay(text);
}

function sex(text: string): 'M' | 'F' | null {
  const word = text.normalize('NFC').toLowerCase();
  if (word === 'nam' || word === '1') return 'M';
  if (word === 'nữ' || word === '2') return 'F';
  return null;
}

function fromHex(text: string): string {
  if (!/^([0-9a-f]{2})+$/i.test(text)) return text;
  const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return new TextDecoder().decode(bytes);
}
