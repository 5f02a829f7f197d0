import type { Discrepancy, Patient } from '~/api/types';

/** Whom the images are compared with: an image of the same study, or a patient on record. */
export interface OtherSide {
  heading: 'inside' | 'record' | 'both';
  patient: Patient;
}

/** The other side of a discrepancy; null where no two persons are compared. */
export function otherSide({ kind, other }: Discrepancy): OtherSide | null {
  if (other.said) return { heading: 'inside', patient: other.said };
  if (!other.patient) return null;
  return { heading: kind === 'demographicsDiffer' ? 'record' : 'both', patient: other.patient };
}

/** What follows from an answer, as a key of its phrase. */
export function effectOf(row: Discrepancy, answer: Discrepancy['answers'][number]) {
  if (answer === 'part') return row.kind === 'demographicsDiffer' ? 'partPerson' : 'part';
  if (answer !== 'samePerson') return answer;
  return row.kind === 'demographicsDiffer' ? 'accept' : 'merge';
}
