/** How fresh rows come into a list that somebody is looking at. */
import type { Page } from '~/api/types';

/** The list after a live answer. */
export interface Merged<T> {
  /** The rows shown before, in their old places, with their new contents. */
  items: T[];
  /** How many rows of the answer are not shown yet. */
  fresh: number;
}

/**
 * Updates rows in place and only counts the new ones, so that nothing moves under the pointer.
 * Rows missing from the answer stay when `partial` (the answer is only the top of the list), and go otherwise.
 */
export function mergeInPlace<T>(shown: readonly T[], answer: readonly T[], key: (row: T) => string, partial: boolean): Merged<T> {
  const answered = new Map(answer.map((row) => [key(row), row]));
  const items = shown.flatMap((row) => {
    const updated = answered.get(key(row));
    return updated ? [updated] : partial ? [row] : [];
  });
  const known = new Set(shown.map(key));
  return { items, fresh: answer.filter((row) => !known.has(key(row))).length };
}

/**
 * The same for a list that is read page by page, in an order that is the same for all, after its first page was read anew:
 * rows go that would stand in there and do not, and nothing is known of those below.
 */
export function mergeTop<T>(pages: readonly Page<T>[], top: Page<T>, key: (row: T) => string): { pages: Page<T>[]; fresh: number } {
  const shown = pages.flatMap(({ items }) => items);
  const answered = new Map(top.items.map((row) => [key(row), row]));
  const seen = top.next === null ? shown.length : seenOf(shown, top.items, key);
  let at = 0;
  const merged = pages.map((page) => ({
    ...page,
    items: page.items.flatMap((row) => {
      at += 1;
      const updated = answered.get(key(row));
      return updated ? [updated] : at > seen ? [row] : [];
    }),
  }));
  const known = new Set(shown.map(key));
  const isKnown = top.items.map((row) => known.has(key(row)));
  // Where the list goes on below what is shown, what stands last in the top may have come up from there.
  const until = (pages.at(-1)?.next ?? null) === null || !isKnown.includes(true) ? isKnown.length : isKnown.lastIndexOf(true);
  return { pages: merged, fresh: isKnown.slice(0, until).filter((one) => !one).length };
}

/** How many of the rows shown lie within the top. Its last row tells; one that has changed may have come up from below. */
function seenOf<T>(shown: readonly T[], top: readonly T[], key: (row: T) => string): number {
  const at = new Map(shown.map((row, index) => [key(row), index]));
  for (const row of [...top].reverse()) {
    const index = at.get(key(row));
    if (index !== undefined && JSON.stringify(shown[index]) === JSON.stringify(row)) return index + 1;
  }
  return 0;
}
