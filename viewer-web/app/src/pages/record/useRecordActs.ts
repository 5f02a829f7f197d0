import { server } from '~/api/server';
import type { RecordNumber } from '~/api/types';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** Merging, parting and numbers, each with its way back. */
export function useRecordActs(onChanged: () => unknown) {
  const { take, busy, failureOf, done, close } = useSteps(onChanged);
  const conflict: Words = (t) => t('record.conflictText');
  const merge = (from: number, into: number, name: string, reason: string): Step => ({
    run: () => server.merge(from, into, reason || undefined).then(() => part(from, into, name, reason, '')), text: (t) => t('record.mergedDone', { name }), conflict, form: 'merge',
  });
  /** `merged` is why they were merged, for the way back. */
  const part = (from: number, into: number, name: string, merged: string, reason: string): Step => ({
    run: () => server.unmerge(from, reason || undefined).then(() => merge(from, into, name, merged)), text: (t) => t('record.unmergedDone', { name }), conflict, form: 'part',
  });
  const add = (record: number, number: RecordNumber, reason: string): Step => ({
    run: () => server.addNumber(record, number, reason || undefined).then(() => remove(record, number, '')), text: (t) => t('record.numberAdded', { number: number.identifier }), conflict: (t) => t('record.numberTaken'), form: 'numbers',
  });
  const remove = (record: number, number: RecordNumber, reason: string): Step => ({
    run: () => server.removeNumber(record, number, reason || undefined).then(() => add(record, number, '')), text: (t) => t('record.numberRemoved', { number: number.identifier }), conflict, form: 'numbers',
  });
  return {
    merge: (from: number, into: number, name: string, reason: string, onMerged: () => void) => take(merge(from, into, name, reason), onMerged),
    part: (from: number, into: number, name: string, merged: string, reason: string, onParted: () => void) => take(part(from, into, name, merged, reason), onParted),
    addNumber: (record: number, number: RecordNumber, reason: string, onAdded: () => void) => take(add(record, number, reason), onAdded),
    removeNumber: (record: number, number: RecordNumber, reason: string, onRemoved: () => void) => take(remove(record, number, reason), onRemoved),
    busy, failureOf, done, close,
  };
}

/** What `useRecordActs` gives. */
export type RecordActs = ReturnType<typeof useRecordActs>;
