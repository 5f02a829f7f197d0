/**
 * The folding that search uses: case and marks off, `đ` is `d`, one space between words.
 * It mirrors the server's, so that what the page filters by itself (procedures, rooms) behaves alike.
 */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/đ/g, 'd')
    .replace(/[\^=]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** True when every word of `typed` begins some word of `text`. */
export function hasWords(text: string, typed: string): boolean {
  const words = fold(text).split(' ');
  return fold(typed)
    .split(' ')
    .every((wanted) => wanted === '' || words.some((word) => word.startsWith(wanted)));
}
