import { describe, expect, it } from 'vitest';
import { phrases } from './index';
import type { Phrases } from './words/pair';

function flat(tree: Phrases, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value] as [string, string]] : flat(value, `${path}${key}.`),
  );
}

const vi = new Map(flat(phrases.vi));
const en = new Map(flat(phrases.en));
const blanks = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).toSorted();

describe('both languages', () => {
  it('have the same phrases', () => {
    expect([...en.keys()].toSorted()).toEqual([...vi.keys()].toSorted());
  });

  it('leave no phrase empty and fill in the same blanks', () => {
    for (const [key, text] of vi) {
      expect(text.trim(), key).not.toBe('');
      expect(en.get(key)?.trim(), key).not.toBe('');
      expect(blanks(en.get(key) ?? ''), key).toEqual(blanks(text));
    }
  });

  it('write Vietnamese in composed characters, as people search for it', () => {
    for (const [key, text] of vi) expect(text, key).toBe(text.normalize('NFC'));
  });
});
