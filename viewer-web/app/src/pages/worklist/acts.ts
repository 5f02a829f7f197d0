import type { Act } from '~/api/types';

/** In the order in which a day goes; an act's place is its key, the same on every row. */
export const actsInOrder: readonly Act[] = ['arrive', 'call', 'accept', 'restore', 'reopen', 'noShow', 'cancel', 'discontinue'];

/** What goes back or ends an exam early says why. */
export const needsReason: ReadonlySet<Act> = new Set<Act>(['noShow', 'reopen', 'cancel', 'discontinue']);

/** The key of an act. */
export function digitOf(act: Act): number {
  return actsInOrder.indexOf(act) + 1;
}

/** The act of a key, where it is allowed. */
export function actOf(digit: number, allowed: readonly Act[]): Act | null {
  const act = actsInOrder[digit - 1];
  return act && allowed.includes(act) ? act : null;
}
