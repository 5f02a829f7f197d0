import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Transfer } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';
import { stepped, type QueueAct } from './acts';
import { useTransferWords } from './useTransferWords';

/** Does an act, and offers the way back: what was cancelled is taken up again, what was taken up is cancelled. */
export function useQueueActs(onChanged: () => void) {
  const { t } = useTranslation();
  const { what } = useTransferWords();
  const [done, setDone] = useState<Done | null>(null);
  const mutation = useMutation({
    mutationFn: ({ row, act }: { row: Transfer; act: QueueAct }) => send(row, act),
    onSuccess: (made, { row, act }) => {
      const text = t(`queue.did.${act}`, { what: what(row) });
      const back = reverse(row, act, made);
      const undo = back && ((): void => {
        setDone({ text, undo: null });
        undoing.mutate(back);
      });
      setDone({ text, undo });
    },
    onSettled: onChanged,
  });
  const undoing = useMutation({ mutationFn: (back: () => Promise<void>) => back(), onSuccess: () => setDone(null), onSettled: onChanged });
  const failure = mutation.error ?? undoing.error;
  const why = useProblemText(failure, t('queue.conflict'));
  return {
    run: (row: Transfer, act: QueueAct) => mutation.mutate({ row, act }),
    busy: mutation.isPending || undoing.isPending,
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      mutation.reset();
      undoing.reset();
    },
  };
}

/** Does it; answers the number of what was put into the queue, where something was. */
async function send(row: Transfer, act: QueueAct): Promise<number | void> {
  if (act === 'resend') return (await server.send(row.studyUid, row.device, {})).id;
  if (act === 'retry') return server.retryTransfer(row.id);
  if (act === 'cancel') return server.cancelTransfer(row.id);
  return server.prioritiseTransfer(row.id, stepped(row, act) ?? row.priority);
}

function reverse(row: Transfer, act: QueueAct, made: number | void): (() => Promise<void>) | null {
  if (act === 'resend') return made === undefined ? null : () => server.cancelTransfer(made);
  if (act === 'cancel') return () => server.retryTransfer(row.id);
  if (act === 'retry') return row.state === 'cancelled' ? () => server.cancelTransfer(row.id) : null;
  return () => server.prioritiseTransfer(row.id, row.priority);
}
