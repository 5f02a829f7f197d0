/** Fails the journey with a sentence. */
export function expect(holds: unknown, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence);
}

/** Waits until a condition over the page holds; the sentence says what was waited for. */
export async function eventually(sentence: string, holds: () => Promise<boolean>, limitMs = 15_000): Promise<void> {
  const end = Date.now() + limitMs;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${sentence}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
