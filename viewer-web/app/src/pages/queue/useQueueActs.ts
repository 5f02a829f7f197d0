import { server } from '~/api/server';
import type { Transfer } from '~/api/transferTypes';
import type { Words } from '~/ui/UndoBar';
import { useSteps, type Step } from '~/ui/useSteps';
import { stepped, type QueueAct } from './acts';
import { transferName } from './useTransferWords';

const conflict: Words = (t) => t('queue.conflict');
/** By the time it is taken back, it may have been sent. */
const tooLate: Words = (t) => t('queue.tooLate');

/** Does an act, and offers the way back: what was cancelled is taken up again, what was taken up is cancelled. */
export function useQueueActs(onChanged: () => unknown) {
  const steps = useSteps(onChanged);
  const step = (row: Transfer, act: QueueAct, run: Step['run'], meaning: Words = conflict): Step => ({ run, text: (t) => t(`queue.did.${act}`, { what: transferName(t, row) }), conflict: meaning });
  const cancelled = (row: Transfer, id: number): Step => step(row, 'cancel', () => server.cancelTransfer(id), tooLate);
  const forward = (row: Transfer, act: QueueAct): Step => step(row, act, async () => {
    switch (act) {
      case 'resend': return cancelled(row, (await server.resendTransfer(row.id)).id);
      case 'cancel':
        await server.cancelTransfer(row.id);
        return step(row, 'retry', () => server.retryTransfer(row.id));
      case 'retry':
        await server.retryTransfer(row.id);
        return row.state === 'cancelled' ? cancelled(row, row.id) : undefined;
      default:
        await server.prioritiseTransfer(row.id, stepped(row, act) ?? row.priority);
        return step(row, act === 'raise' ? 'lower' : 'raise', () => server.prioritiseTransfer(row.id, row.priority), tooLate);
    }
  });
  return { run: (row: Transfer, act: QueueAct) => steps.take(forward(row, act)), busy: steps.busy, done: steps.done, close: steps.close };
}
