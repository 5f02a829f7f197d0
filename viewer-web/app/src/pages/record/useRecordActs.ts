import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { RecordNumber } from '~/api/types';
import { useSteps, type Step } from '~/ui/useSteps';

/** Merging, parting and numbers, each with its way back. */
export function useRecordActs(onChanged: () => void) {
  const { t } = useTranslation();
  const { take, busy, failure, done, close } = useSteps(onChanged);
  const conflict = t('record.conflictText');
  const merge = (from: number, into: number, name: string, reason: string): Step => ({
    run: () => server.merge(from, into, reason || undefined).then(() => part(from, into, name, reason)), text: t('record.mergedDone', { name }), conflict,
  });
  const part = (from: number, into: number, name: string, reason: string): Step => ({
    run: () => server.unmerge(from).then(() => merge(from, into, name, reason)), text: t('record.unmergedDone', { name }), conflict,
  });
  const add = (record: number, number: RecordNumber): Step => ({
    run: () => server.addNumber(record, number).then(() => remove(record, number)), text: t('record.numberAdded', { number: number.identifier }), conflict: t('record.numberTaken'),
  });
  const remove = (record: number, number: RecordNumber): Step => ({
    run: () => server.removeNumber(record, number).then(() => add(record, number)), text: t('record.numberRemoved', { number: number.identifier }), conflict,
  });
  return {
    merge: (from: number, into: number, name: string, reason: string, onMerged: () => void) => take(merge(from, into, name, reason), onMerged),
    part: (from: number, into: number, name: string, reason: string) => take(part(from, into, name, reason)),
    addNumber: (record: number, number: RecordNumber, onAdded: () => void) => take(add(record, number), onAdded),
    removeNumber: (record: number, number: RecordNumber) => take(remove(record, number)),
    busy, failure, done, close,
  };
}

/** What `useRecordActs` gives. */
export type RecordActs = ReturnType<typeof useRecordActs>;
