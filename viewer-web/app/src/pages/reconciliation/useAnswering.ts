import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Answer, Discrepancy } from '~/api/types';
import { personName } from '~/format/person';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

interface Said {
  row: Discrepancy;
  answer: Answer;
  recordId: number | null;
  reason: string;
}

/** Answers a row, and takes answers back. */
export function useAnswering(onChanged: () => void) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const nameOf = (row: Discrepancy): string => personName(row.study.patient.name) || t('field.unknown');
  const reopening = useMutation({
    mutationFn: ({ row, reason }: { row: Discrepancy; reason: string }) => server.reopen(row.id, reason || undefined),
    onSuccess: (_, { row }) => {
      setDone({ text: t('reconciliation.reopened', { name: nameOf(row) }), undo: null });
      onChanged();
    },
    onError: onChanged,
  });
  const answering = useMutation({
    mutationFn: ({ row, answer, recordId, reason }: Said) => server.answer(row.id, answer, recordId, reason || undefined),
    onSuccess: (_, { row, answer }) => {
      const text = t('reconciliation.done', { name: nameOf(row), answer: t(`reconciliation.answer.${answer}`) });
      const undo = (): void => {
        setDone({ text, undo: null });
        reopening.mutate({ row, reason: '' });
      };
      setDone({ text, undo });
      onChanged();
    },
    // Somebody else has answered it: the list shows how things stand.
    onError: onChanged,
  });
  const failure = answering.error ?? reopening.error;
  const why = useProblemText(failure, t('reconciliation.conflictText'));
  const begin = (): void => {
    answering.reset();
    reopening.reset();
  };
  return {
    answer: (said: Said) => {
      begin();
      answering.mutate(said);
    },
    reopen: (row: Discrepancy, reason: string) => {
      begin();
      reopening.mutate({ row, reason });
    },
    busy: answering.isPending || reopening.isPending,
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      begin();
    },
  };
}
