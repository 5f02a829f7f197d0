import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { CorrectionForm, MoveForm } from '~/api/types';
import { useSteps, type Step } from '~/ui/useSteps';

/** The first part of the key of previews: what they ask has been done when everything else is asked anew. */
export const previewKey = 'correctionPreview';

/** The acts of the page, what became of the last one, and the way back from it. `onGo` leads to where the images are. */
export function useCorrections(studyUid: string, onGo: (studyUid: string) => void) {
  const { t } = useTranslation();
  const client = useQueryClient();
  /** The exam of which nothing is left to be asked for. */
  const gone = useRef<string | null>(null);
  const refresh = useCallback(
    () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== previewKey && (gone.current === null || !queryKey.includes(gone.current)) }),
    [client],
  );
  const steps = useSteps(refresh);
  const conflict = t('corrections.conflict');
  const go = (from: string | null, to: string): void => {
    gone.current = from;
    onGo(to);
  };
  const undo = (actId: number, onUndone?: () => void): Step => ({
    run: async () => {
      await server.undoAct(actId);
      gone.current = null;
      onUndone?.();
    },
    text: t('corrections.undone'), conflict,
  });
  const correct = (form: CorrectionForm): Step => ({
    run: async () => undo((await server.correct(studyUid, form)).actId),
    text: t('corrections.saved', { count: Object.keys(form.attributes).length }), conflict,
  });
  const move = (form: MoveForm): Step => ({
    run: async () => {
      const moved = await server.moveImages(studyUid, form);
      if (moved.left > 0) return undo(moved.actId);
      go(studyUid, moved.studyUid);
      // What was made for the images is gone again with them.
      return undo(moved.actId, () => go(form.to ? null : moved.studyUid, studyUid));
    },
    text: t(form.all ? 'corrections.merged' : 'corrections.moved'), conflict,
  });
  // A form says at its fields what is wrong with them.
  const isAtFields = steps.failure instanceof Problem && Object.keys(steps.failure.fields).length > 0;
  return {
    correct: (form: CorrectionForm, onSaved: () => void) => steps.take(correct(form), onSaved),
    move: (form: MoveForm, onMoved: () => void) => steps.take(move(form), onMoved),
    merge: (to: string, reason: string) => steps.take(move({ to, all: true, reason })),
    undo: (actId: number) => steps.take(undo(actId)),
    busy: steps.busy,
    failure: steps.failure,
    done: isAtFields ? null : steps.done,
    close: steps.close,
  };
}
