import { server } from '~/api/server';
import type { RejectedStudy } from '~/api/correctionTypes';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';

/** Shows all of an exam again; the way back rejects what was rejected, as it was. */
export function useRestoring(onSettled: () => unknown) {
  const { take, busy, failureOf, done, close } = useSteps(onSettled);
  const conflict: Words = (t) => t('corrections.conflict');
  const restore = (row: RejectedStudy, reason: string): Step => {
    let count = 0;
    return {
      run: async () => {
        const restored = await server.restore(row.studyUid, undefined, reason);
        count = restored.count;
        return { run: () => server.undoAct(restored.actId), text: (t) => t('corrections.undone'), conflict };
      },
      // How many they were knows the server alone: more may have been rejected meanwhile.
      text: (t) => t('corrections.reject.restored', { count }), conflict, form: row.studyUid,
    };
  };
  return { restore: (row: RejectedStudy, reason: string, onRestored: () => void) => take(restore(row, reason), onRestored), busy, failureOf, done, close };
}
