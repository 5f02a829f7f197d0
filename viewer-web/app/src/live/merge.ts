/** How fresh rows come into a list that somebody is looking at. */

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
