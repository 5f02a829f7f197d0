import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Transfer } from '~/api/transferTypes';
import { instant, timeOf } from '~/format/dates';
import { personName } from '~/format/person';
import { useWhy } from '~/ui/useWhy';

const placeOf = (t: TFunction, { direction, device }: Transfer): string => t(direction === 'send' ? 'queue.to' : 'queue.from', { device });

/** Whose images go where. */
export const transferName = (t: TFunction, row: Transfer): string => [row.study && personName(row.study.patient.name), placeOf(t, row)].filter(Boolean).join(' · ');

/** Where a transfer goes, where it stands and why, in words. */
export function useTransferWords() {
  const { t } = useTranslation();
  const { brief, whole } = useWhy('transfer');
  const place = (row: Transfer): string => placeOf(t, row);
  const state = ({ direction, state: word }: Transfer): string => t(direction === 'send' ? `queue.send.${word}` : `queue.pull.${word}`);
  const commitment = ({ commitment: word, commitmentAt }: Transfer): string =>
    word ? t(`queue.commitment.${word}`, { time: instant(commitmentAt) }) : '';
  const note = (row: Transfer): string => {
    const trouble = row.error ? brief(row.error) : '';
    if (row.state === 'waiting' && trouble) return `${trouble} · ${t('queue.nextTry', { time: timeOf(row.dueAt) })}`;
    if (row.state === 'failed') return trouble;
    return [row.isCorrectedSince ? t('queue.correctedSince') : '', commitment(row)].filter(Boolean).join(' · ');
  };
  /** The note with all that is known of the trouble. */
  const long = (row: Transfer): string => (row.error && row.state !== 'done' ? whole(row.error) : note(row));
  return { place, state, commitment, note, long };
}
