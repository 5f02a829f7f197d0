import type { Reason } from '~/api/types';
import { phrases, type Language } from './index';

type All = (typeof phrases)[Language];

/** Where the sentences of each list of words are. That each has all of its words is tested with the server's own lists. */
const lists = {
  association: (all: All) => all.devices.reason,
  backup: (all: All) => all.storage.trouble,
  cause: (all: All) => all.cause,
  damage: (all: All) => all.storage.damage,
  notTaken: (all: All) => all.intakes.reason,
  transfer: (all: All) => all.queue.reason,
  waiting: (all: All) => all.intakes.waiting,
};

/** What a reason is about. */
export type ReasonList = Exclude<keyof typeof lists, 'cause'>;

type Speak = (language: Language, list: ReasonList, reason: Reason) => string;

/** The sentence of a word with its blanks filled; `null` when these pages have none, or a value is missing. */
function sentence(language: Language, list: keyof typeof lists, code: string, values: Reason['values']): string | null {
  const phrase = new Map<string, string>(Object.entries(lists[list](phrases[language]))).get(code);
  if (phrase === undefined) return null;
  let isWhole = true;
  const filled = phrase.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    isWhole &&= value !== undefined;
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : String(value);
  });
  return isWhole ? filled : null;
}

/** What went wrong, in a few words; what these pages have no sentence for as the server says it. */
export const brief: Speak = (language, list, { code, values, detail }) => sentence(language, list, code, values) ?? (detail || code);

/** What lies underneath and what to do about it, with the status that the other side answered; empty when nothing is known. */
export const more: Speak = (language, list, { code, values }) => {
  if (sentence(language, list, code, values) === null) return '';
  const { cause, status } = values;
  const said = typeof cause === 'string' ? sentence(language, 'cause', cause, values) : null;
  return [said, status && `(${status})`].filter(Boolean).join(' ');
};

/** All of it. */
export const whole: Speak = (language, list, reason) => {
  const [first, rest] = [brief(language, list, reason), more(language, list, reason)];
  if (!rest) return first;
  return `${first}${/[.:?!]$/.test(first) || rest.startsWith('(') ? '' : '.'} ${rest}`;
};
