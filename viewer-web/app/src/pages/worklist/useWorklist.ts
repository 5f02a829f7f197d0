import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { server, type WorklistFilter } from '~/api/server';
import type { Act, Exam, Worklist } from '~/api/types';
import { personName } from '~/format/person';
import { inTime, questionMs } from '~/live/inTime';
import { mergeInPlace } from '~/live/merge';
import { useFresh } from '~/live/useFresh';
import type { Done, Words } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

const examKey = (exam: Exam): string => String(exam.examId);

/** The day's worklist, updated in place while it is looked at. */
export function useWorklist(filter: WorklistFilter) {
  const client = useQueryClient();
  const key = ['worklist', filter];
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => inTime(questionMs, (limited) => server.worklist(filter, limited), signal),
    placeholderData: keepPreviousData,
    staleTime: 0,
    refetchOnMount: 'always',
    // The stream comes back with the line, and a look moves no row.
    refetchOnReconnect: false,
  });
  const { fresh, look, taken } = useFresh<Worklist, Worklist>({
    key, events: ['exam.changed', 'order.created', 'study.changed', 'unmatched.changed'], ask: (signal) => server.worklist(filter, signal),
    lay: (shown, answer) => {
      const merged = mergeInPlace(shown.items, answer.items, examKey, false);
      // With nothing on the screen there is no row to move.
      return merged.items.length === 0 ? { shown: answer, fresh: 0 } : { shown: { ...answer, items: merged.items }, fresh: merged.fresh };
    },
  });
  const showFresh = async (): Promise<void> => {
    const { isError } = await query.refetch();
    // What could not be had is still to come.
    if (!isError) taken();
  };
  const replace = (exam: Exam): void => {
    client.setQueryData<Worklist>(key, (before) => before && { ...before, items: before.items.map((row) => (row.examId === exam.examId ? exam : row)) });
  };
  return { query, exams: query.data?.items ?? none, asOf: query.data?.asOf ?? null, fresh, showFresh, replace, look };
}

const none: readonly Exam[] = [];

/** Moves exams; what was done stands under the list with the way back from it. After a conflict `look` shows how things stand. */
export function useActs(replace: (exam: Exam) => void, look: () => void) {
  const [done, setDone] = useState<Done | null>(null);
  const undoing = useMutation({
    mutationFn: ({ exam, act }: { exam: Exam; act: Act }) => server.undo(exam.examId, act),
    onSuccess: (after, { act }) => {
      replace(after);
      setDone({ text: (t) => t('exam.undone', { act: t(`exam.act.${act}`), name: personName(after.patient.name) }), undo: null });
    },
    onError: look,
  });
  const acting = useMutation({
    mutationFn: ({ exam, act, reason }: { exam: Exam; act: Act; reason?: string | undefined }) => server.act(exam.examId, act, reason),
    onSuccess: (after, { act }) => {
      replace(after);
      const text: Words = (t) => t(`exam.done.${act}`, { name: personName(after.patient.name) });
      const undo = (): void => {
        setDone({ text, undo: null });
        undoing.mutate({ exam: after, act });
      };
      setDone({ text, undo });
    },
    onMutate: () => undoing.reset(),
    onError: look,
  });
  const failure = acting.error ?? undoing.error;
  const why = useProblemText(failure);
  const close = useCallback(() => {
    setDone(null);
    acting.reset();
    undoing.reset();
  }, [acting, undoing]);
  const run = useCallback((exam: Exam, act: Act, reason?: string) => acting.mutate({ exam, act, reason }), [acting]);
  const busy = acting.isPending ? acting.variables.exam.examId : undoing.isPending ? undoing.variables.exam.examId : null;
  const shown: Done | null = failure ? { text: () => why, undo: null, failed: true } : done;
  return { run, done: shown, close, busy };
}
