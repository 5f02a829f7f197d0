import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { CorrectionForm, MoveForm } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** The first part of the key of previews: what they ask has been done when everything else is asked anew. */
export const previewKey = 'correctionPreview';

/** The acts of the page, what became of the last one, and the way back from it. */
export function useCorrections(studyUid: string, onMergedAway: (into: string) => void) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [done, setDone] = useState<Done | null>(null);
  const refresh = useCallback(() => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== previewKey }), [client]);
  const undoing = useMutation({
    mutationFn: (actId: number) => server.undoAct(actId),
    onSuccess: async () => {
      setDone({ text: t('corrections.undone'), undo: null });
      await refresh();
    },
  });
  const finished = async (text: string): Promise<void> => {
    const newest = (await server.studyActs(studyUid)).items.find((act) => act.canUndo);
    setDone({ text, undo: newest ? () => undoing.mutate(newest.actId) : null });
  };
  const correcting = useMutation({
    mutationFn: (form: CorrectionForm) => server.correct(studyUid, form),
    onSuccess: async (effect) => {
      await finished(t('corrections.saved', { count: effect.changes.length }));
      await refresh();
    },
  });
  const moving = useMutation({
    mutationFn: (form: MoveForm) => server.moveImages(studyUid, form),
    onSuccess: async (_, form) => {
      await finished(t(form.all ? 'corrections.merged' : 'corrections.moved'));
      if (!form.all || !form.to) return refresh();
      // Of this exam nothing is left to be asked for.
      await client.invalidateQueries({ refetchType: 'none' });
      onMergedAway(form.to);
    },
  });
  const failure = correcting.error ?? moving.error ?? undoing.error;
  const why = useProblemText(failure, t('corrections.conflict'));
  const begin = (): void => {
    setDone(null);
    correcting.reset();
    moving.reset();
    undoing.reset();
  };
  // A form says at its fields what is wrong with them; moves have no field but the reason.
  const fields = failure instanceof Problem ? Object.keys(failure.fields) : [];
  const isAtFields = fields.length > 0 && (failure === correcting.error || fields.every((field) => field === 'reason'));
  return {
    correct: (form: CorrectionForm, onSaved: () => void) => {
      begin();
      correcting.mutate(form, { onSuccess: onSaved });
    },
    move: (form: MoveForm, onMoved: () => void) => {
      begin();
      moving.mutate(form, { onSuccess: onMoved });
    },
    merge: (to: string, reason: string) => {
      begin();
      moving.mutate({ to, all: true, reason });
    },
    undo: (actId: number) => {
      begin();
      undoing.mutate(actId);
    },
    busy: correcting.isPending || moving.isPending || undoing.isPending,
    failure,
    done: failure && !isAtFields ? { text: why, undo: null, failed: true } : done,
    close: begin,
  };
}
