import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Exam, Unmatched } from '~/api/types';
import { personName } from '~/format/person';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** Joins a study to an order, and takes it apart again. */
export function useLinking(onChanged: () => void) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const undoing = useMutation({
    mutationFn: (row: Unmatched) => server.unlink(row.studyUid),
    onSuccess: (_, row) => {
      setDone({ text: t('unmatched.unlinked', { name: personName(row.patient.name) }), undo: null });
      onChanged();
    },
  });
  const linking = useMutation({
    mutationFn: ({ row, exam, reason }: { row: Unmatched; exam: Exam; reason: string }) => server.link(row.studyUid, exam.examId, reason || undefined),
    onSuccess: (_, { row }) => {
      const text = t('unmatched.linked', { name: personName(row.patient.name) });
      const undo = (): void => {
        setDone({ text, undo: null });
        undoing.mutate(row);
      };
      setDone({ text, undo });
      onChanged();
    },
    // Somebody else has linked it, or moved the exam: the list shows how things stand.
    onError: onChanged,
  });
  const failure = linking.error ?? undoing.error;
  const why = useProblemText(failure);
  return {
    link: (row: Unmatched, exam: Exam, reason: string) => linking.mutate({ row, exam, reason }),
    busy: linking.isPending || undoing.isPending,
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      linking.reset();
      undoing.reset();
    },
  };
}
