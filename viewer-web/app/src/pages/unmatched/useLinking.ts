import { server } from '~/api/server';
import type { Exam, Unmatched } from '~/api/types';
import { personName } from '~/format/person';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** Joins a study to an order, and takes it apart again. */
export function useLinking(onChanged: () => unknown) {
  const { take, busy, failureOf, done, close } = useSteps(onChanged);
  // Somebody else has linked it, or moved the exam: the list shows how things stand.
  const conflict: Words = (t) => t('error.conflict');
  const link = (row: Unmatched, exam: Exam, reason: string): Step => ({
    run: async () => {
      await server.link(row.studyUid, exam.examId, reason || undefined);
      return unlink(row);
    },
    text: (t) => t('unmatched.linked', { name: personName(row.patient.name) }), conflict, form: row.studyUid,
  });
  const unlink = (row: Unmatched): Step => ({
    run: async () => void await server.unlink(row.studyUid), text: (t) => t('unmatched.unlinked', { name: personName(row.patient.name) }), conflict,
  });
  return { link: (row: Unmatched, exam: Exam, reason: string) => take(link(row, exam, reason)), busy, failureOf, done, close };
}
