import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Notice } from '~/api/transferTypes';
import type { Done, Words } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** What an administrator does to a notice, in the order of their keys. */
export const noticeActs = ['retry', 'cancel'] as const;
/** One of them. */
export type NoticeAct = (typeof noticeActs)[number];

/** Whether the act makes sense on it as it stands. */
export function isAllowed({ state, error }: Notice, act: NoticeAct): boolean {
  if (act === 'retry') return state === 'failed' || state === 'cancelled' || (state === 'waiting' && error !== null);
  return state === 'waiting' || state === 'running' || state === 'failed';
}

const send = (row: Notice, act: NoticeAct): Promise<void> => (act === 'retry' ? server.retryNotice(row.id) : server.cancelNotice(row.id));

/** Tries notices again and cancels them; what was cancelled is taken up again by the way back. */
export function useNoticeActs(onChanged: () => Promise<unknown>) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const acting = useMutation({
    onMutate: () => setDone(null),
    mutationFn: ({ row, act }: { row: Notice; act: NoticeAct }) => send(row, act),
    onSuccess: async (_, { row, act }) => {
      await onChanged();
      const text: Words = (t) => t(`notices.did.${act}`, { what: `${t(`notices.kind.${row.kind}`)} · ${row.device}` });
      setDone({ text, undo: act === 'cancel' ? () => acting.mutate({ row, act: 'retry' }) : null });
    },
    onError: onChanged,
  });
  const why = useProblemText(acting.error, t('queue.conflict'));
  return {
    run: (row: Notice, act: NoticeAct) => acting.mutate({ row, act }),
    busy: acting.isPending,
    done: acting.error ? { text: () => why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      acting.reset();
    },
  };
}
