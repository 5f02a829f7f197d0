/** How a patient is shown: one line of name, the year of birth, the age on the day of the exam. */

/** A DICOM person name (`NGUYỄN^VĂN A=…`) as one line. */
export function personName(name: string | null | undefined): string {
  const alphabetic = (name ?? '').split('=')[0] ?? '';
  return alphabetic.replace(/\^+/g, ' ').replace(/\s+/g, ' ').trim();
}

/** A DICOM person name as people here write it: prefix, family name, middle name, given name, suffix. */
export function readName(name: string | null | undefined): string {
  const group = (name ?? '').split('=').find((one) => one.replaceAll(/[\^ ]/g, '') !== '') ?? '';
  const [family, given, middle, prefix, suffix] = group.split('^');
  return [prefix, family, middle, given, suffix].join(' ').replaceAll(/\s+/g, ' ').trim();
}

/** The year of birth, the form in which patients are told apart at a counter. */
export function birthYear(birthDate: string | null | undefined): string {
  return birthDate && /^\d{4}/.test(birthDate) ? birthDate.slice(0, 4) : '';
}

/** An age in the unit that says most: days in the first month, months up to three years, else years. */
export interface Age {
  unit: 'days' | 'months' | 'years';
  count: number;
}

/** Age on `onDate`, both `yyyy-MM-dd`; null when unknown or when the dates are out of order. */
export function ageOn(birthDate: string | null | undefined, onDate: string | null | undefined): Age | null {
  const born = wholeDay(birthDate);
  const then = wholeDay(onDate);
  if (!born || !then || then < born) return null;
  const days = Math.round((then.getTime() - born.getTime()) / 86_400_000);
  if (days < 31) return { unit: 'days', count: days };
  const early = then.getUTCDate() < born.getUTCDate() ? 1 : 0;
  const months = (then.getUTCFullYear() - born.getUTCFullYear()) * 12 + then.getUTCMonth() - born.getUTCMonth() - early;
  return months < 36 ? { unit: 'months', count: months } : { unit: 'years', count: Math.floor(months / 12) };
}

function wholeDay(iso: string | null | undefined): Date | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso ?? '');
  return parts ? new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]))) : null;
}

/** Who did something, as people say it: `user:trang` is `trang`. */
export function actorName(actor: string): string {
  return actor.replace(/^\w+:/, '');
}
