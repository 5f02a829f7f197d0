import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef } from 'react';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import { studyActsQuery, studyRejectionsQuery } from '~/api/queries';
import type { CorrectionForm, MoveForm, RejectForm, RejectionDone } from '~/api/correctionTypes';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** The first part of the key of previews: what they ask has been done when everything else is asked anew. */
export const previewKey = 'correctionPreview';

/** The acts of the page, what became of the last one, and the way back from it. `onGo` leads to where the images are. */
export function useCorrections(studyUid: string, mayReject: boolean, onGo: (studyUid: string) => void) {
  const client = useQueryClient();
  /** The exam of which nothing is left to be asked for. */
  const gone = useRef<string | null>(null);
  const refresh = useCallback(
    () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== previewKey && (gone.current === null || !queryKey.includes(gone.current)) }),
    [client],
  );
  const steps = useSteps(refresh);
  const conflict: Words = (t) => t('corrections.conflict');
  const go = (from: string | null, to: string): void => {
    gone.current = from;
    onGo(to);
  };
  const undo = (actId: number, onUndone?: () => Promise<void> | void): Step => ({
    run: async () => {
      await server.undoAct(actId);
      gone.current = null;
      await onUndone?.();
    },
    text: (t) => t('corrections.undone'), conflict,
  });
  const correct = (form: CorrectionForm): Step => ({
    form: 'edit',
    run: async () => undo((await server.correct(studyUid, form)).actId),
    text: (t) => t('corrections.saved', { count: Object.keys(form.attributes).length }), conflict,
  });
  const move = (form: MoveForm): Step => ({
    form: form.all ? 'merge' : 'move',
    run: async () => {
      const moved = await server.moveImages(studyUid, form);
      if (moved.left > 0) return undo(moved.actId);
      go(studyUid, moved.studyUid);
      // What was made for the images is gone again with them.
      return undo(moved.actId, () => go(form.to ? null : moved.studyUid, studyUid));
    },
    text: (t) => t(form.all ? 'corrections.merged' : 'corrections.moved'), conflict,
  });
  /** Images have come back or gone: of an exam that is hidden whole only what is rejected and its history can be asked for. */
  const look = async (): Promise<void> => {
    gone.current = null;
    if (!mayReject) return;
    // With what was undone the exam itself may be gone.
    const rejections = await client.fetchQuery(studyRejectionsQuery(studyUid)).catch(() => null);
    if (rejections?.study.instanceCount !== 0) return;
    gone.current = studyUid;
    await client.invalidateQueries({ queryKey: studyActsQuery(studyUid).queryKey });
  };
  const rejecting = (form: string, act: () => Promise<RejectionDone>, said: 'done' | 'restored'): Step => {
    let count = 0;
    return {
      form,
      run: async () => {
        const done = await act();
        count = done.count;
        await look();
        return undo(done.actId, look);
      },
      // How many they were knows the server alone: images may have come meanwhile.
      text: (t) => t(`corrections.reject.${said}`, { count }), conflict,
    };
  };
  const reject = (form: RejectForm): Step => rejecting('reject', () => server.reject(studyUid, form), 'done');
  const restore = (seriesUid: string | undefined, reason: string): Step => rejecting('restore', () => server.restore(studyUid, seriesUid, reason), 'restored');
  const unlink = (reason: string): Step => ({
    run: async () => undo((await server.unlink(studyUid, reason || undefined)).actId), text: (t) => t('corrections.matching.parted'), conflict, form: 'unlink',
  });
  // A form says at its fields what is wrong with them.
  const isAtFields = steps.formFailure instanceof Problem && Object.keys(steps.formFailure.fields).length > 0;
  return {
    correct: (form: CorrectionForm, onSaved: () => void) => steps.take(correct(form), onSaved),
    move: (form: MoveForm, onMoved: () => void) => steps.take(move(form), onMoved),
    merge: (to: string, reason: string) => steps.take(move({ to, all: true, reason })),
    reject: (form: RejectForm, onRejected: () => void) => steps.take(reject(form), onRejected),
    restore: (seriesUid: string | undefined, reason: string, onRestored: () => void) => steps.take(restore(seriesUid, reason), onRestored),
    unlink: (reason: string, onParted: () => void) => steps.take(unlink(reason), onParted),
    undo: (actId: number) => steps.take(undo(actId, look)),
    busy: steps.busy,
    failureOf: steps.failureOf,
    done: isAtFields ? null : steps.done,
    close: steps.close,
  };
}
