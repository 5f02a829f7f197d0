/** Attributes as people read and type them, and as DICOM has them. */
import type { phrases } from '~/i18n';
import { parseDay } from '~/format/dates';
import { readName } from '~/format/person';

/** Keyword of an attribute that may be corrected. */
export type Keyword = keyof (typeof phrases)['vi']['corrections']['field'];

/** How an attribute is typed. */
export type Kind = 'text' | 'name' | 'date' | 'time' | 'sex' | 'side';

const kinds: Partial<Record<Keyword, Kind>> = {
  PatientName: 'name', ReferringPhysicianName: 'name', PerformingPhysicianName: 'name', OperatorsName: 'name',
  PatientBirthDate: 'date', StudyDate: 'date', SeriesDate: 'date', StudyTime: 'time', SeriesTime: 'time',
  PatientSex: 'sex', Laterality: 'side',
};

/** How the attribute is typed. */
export function kindOf(keyword: Keyword): Kind {
  return kinds[keyword] ?? 'text';
}

/** A value of a data set as people read it: names on one line, days as yyyy-MM-dd, times as HH:mm:ss. */
export function readable(keyword: Keyword, value: string | null): string {
  if (!value) return '';
  switch (kindOf(keyword)) {
    case 'name': return readName(value);
    case 'date': return value.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3');
    case 'time': return value.replace(/\..*$/, '').replace(/^(\d{2})(\d{2})(\d{2})?$/, (_, h: string, m: string, s?: string) => [h, m, s].filter(Boolean).join(':'));
    default: return value;
  }
}

/** What was typed as a data set has it; null for no value. */
export function encoded(keyword: Keyword, typed: string): string | null {
  const text = typed.trim();
  if (text === '') return null;
  switch (kindOf(keyword)) {
    case 'date': return text.replace(/^(\d{4})-(\d{2})-(\d{2})$/, '$1$2$3');
    case 'time': return text.replaceAll(':', '');
    default: return text;
  }
}

/** Whether a day was typed that is none: it is neither sent nor taken for an empty field. */
export function isNoDay(keyword: Keyword, typed: string): boolean {
  return kindOf(keyword) === 'date' && typed.trim() !== '' && parseDay(typed) === null;
}

/** The attributes whose typed text differs from what stands. */
export function changed(attributes: readonly { keyword: Keyword; value: string | null }[], typed: Readonly<Record<string, string>>): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const { keyword, value } of attributes) {
    const text = typed[keyword];
    if (text !== undefined && text.trim() !== readable(keyword, value)) changes[keyword] = encoded(keyword, text);
  }
  return changes;
}
