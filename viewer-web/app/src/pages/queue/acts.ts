import type { Transfer } from '~/api/transferTypes';

/** What people do to a transfer, in the order of their keys. */
export const queueActs = ['retry', 'cancel', 'raise', 'lower', 'resend'] as const;
/** One of them. */
export type QueueAct = (typeof queueActs)[number];

const priorities = ['low', 'normal', 'high'] as const;

/** The priority one step up or down; null where there is none. */
export function stepped({ priority }: Transfer, act: 'raise' | 'lower'): Transfer['priority'] | null {
  return priorities[priorities.indexOf(priority) + (act === 'raise' ? 1 : -1)] ?? null;
}

/** The acts that make sense on a transfer as it stands. */
export function allowedOn(transfer: Transfer): readonly QueueAct[] {
  const { state } = transfer;
  const urgency = (['raise', 'lower'] as const).filter((act) => state === 'waiting' && stepped(transfer, act) !== null);
  if (state === 'waiting') return [...(transfer.error ? (['retry'] as const) : []), 'cancel', ...urgency];
  if (state === 'running') return ['cancel'];
  if (state === 'done') return transfer.isCorrectedSince ? ['resend'] : [];
  return state === 'failed' ? ['retry', 'cancel'] : state === 'cancelled' ? ['retry'] : [];
}
