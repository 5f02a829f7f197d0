/** Image numbers as people type them, such as `3-7, 12`: which of the given numbers are meant; null while it is no such list. */
export function numbersIn(typed: string, known: readonly number[]): number[] | null {
  const parts = typed.split(/[,;\s]+/).filter((part) => part !== '');
  const ranges: [number, number][] = [];
  for (const part of parts) {
    const [, from, to] = /^(\d{1,9})(?:[-–](\d{1,9}))?$/.exec(part) ?? [];
    if (from === undefined) return null;
    ranges.push([Number(from), Number(to ?? from)]);
  }
  return known.filter((number) => ranges.some(([from, to]) => number >= from && number <= to));
}
