import type { TFunction } from 'i18next';
import { server } from '~/api/server';
import type { Answer, Discrepancy } from '~/api/types';
import { personName } from '~/format/person';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';
import { rowKey } from './useDiscrepancies';

interface Said {
  row: Discrepancy;
  answer: Answer;
  recordId: number | null;
  reason: string;
}

/** Answers a row, and takes answers back. */
export function useAnswering(onChanged: () => unknown) {
  const { take, busy, failureOf, done, close } = useSteps(onChanged);
  // Somebody else has answered it: the list shows how things stand.
  const conflict: Words = (t) => t('reconciliation.conflictText');
  const nameOf = (t: TFunction, row: Discrepancy): string => personName(row.study.patient.name) || t('field.unknown');
  const reopen = (row: Discrepancy, reason: string): Step => ({
    run: () => server.reopen(row.id, reason || undefined), text: (t) => t('reconciliation.reopened', { name: nameOf(t, row) }), conflict, form: rowKey(row),
  });
  const answer = ({ row, answer: given, recordId, reason }: Said): Step => ({
    run: async () => {
      await server.answer(row.id, given, recordId, reason || undefined);
      return reopen(row, '');
    },
    text: (t) => t('reconciliation.done', { name: nameOf(t, row), answer: t(`reconciliation.answer.${given}`) }), conflict, form: rowKey(row),
  });
  return {
    answer: (said: Said) => take(answer(said)),
    reopen: (row: Discrepancy, reason: string) => take(reopen(row, reason)),
    busy, failureOf, done, close,
  };
}
