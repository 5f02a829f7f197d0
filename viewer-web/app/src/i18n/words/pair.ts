/** A tree of phrases: leaves are texts, `{{name}}` marks what is filled in. */
export interface Phrases {
  [key: string]: string | Phrases;
}

type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };

/** One area's words in both languages, side by side; the compiler refuses a phrase that lacks its translation. */
export function pair<const T extends Phrases>(vi: T, en: Same<T>): { vi: T; en: Same<T> } {
  return { vi, en };
}
