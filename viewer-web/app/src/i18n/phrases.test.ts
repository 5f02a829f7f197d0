import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

  it('hold nothing that no page says', () => {
    const folder = join(import.meta.dirname, '..');
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes('words'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const said = (key: string): boolean => {
      const parent = key.slice(0, key.lastIndexOf('.'));
      // The last are the lists of `why.ts`.
      return code.includes(`'${key}'`) || code.includes(`\`${parent}.\${`) || code.includes(`=> all.${parent},`);
    };
    expect([...vi.keys()].filter((key) => !said(key))).toEqual([]);
  });
});
