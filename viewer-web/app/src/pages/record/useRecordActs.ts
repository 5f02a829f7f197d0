import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { RecordNumber } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** An act on an imaging record, and the one that takes it back. */
interface Step {
  run: () => Promise<unknown>;
  text: string;
  /** What a conflict means here, where it is not that the records have changed. */
  conflict?: string;
  back?: Step;
}

/** Merging, parting and numbers, each with its way back. */
export function useRecordActs(onChanged: () => void) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const acting = useMutation({
    mutationFn: (step: Step) => step.run(),
    onSuccess: (_, { text, back }) => {
      setDone({ text, undo: back ? () => acting.mutate(back) : null });
      onChanged();
    },
    onError: onChanged,
  });
  const why = useProblemText(acting.error, acting.variables?.conflict ?? t('record.conflictText'));
  const merge = (from: number, into: number, name: string, reason: string): Step => ({ run: () => server.merge(from, into, reason || undefined), text: t('record.mergedDone', { name }) });
  const part = (from: number, name: string): Step => ({ run: () => server.unmerge(from), text: t('record.unmergedDone', { name }) });
  const add = (record: number, number: RecordNumber): Step => ({ run: () => server.addNumber(record, number), text: t('record.numberAdded', { number: number.identifier }), conflict: t('record.numberTaken') });
  const remove = (record: number, number: RecordNumber): Step => ({ run: () => server.removeNumber(record, number), text: t('record.numberRemoved', { number: number.identifier }) });
  return {
    merge: (from: number, into: number, name: string, reason: string) => acting.mutate({ ...merge(from, into, name, reason), back: part(from, name) }),
    part: (from: number, into: number, name: string, reason: string) => acting.mutate({ ...part(from, name), back: merge(from, into, name, reason) }),
    addNumber: (record: number, number: RecordNumber) => acting.mutate({ ...add(record, number), back: remove(record, number) }),
    removeNumber: (record: number, number: RecordNumber) => acting.mutate({ ...remove(record, number), back: add(record, number) }),
    busy: acting.isPending,
    done: acting.error ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      acting.reset();
    },
  };
}

/** What `useRecordActs` gives. */
export type RecordActs = ReturnType<typeof useRecordActs>;
