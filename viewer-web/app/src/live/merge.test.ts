import { describe, expect, it } from 'vitest';
import { mergeInPlace, mergeTop } from './merge';

const row = (id: string, label = ''): { id: string; label: string } => ({ id, label });
const key = (r: { id: string }): string => r.id;

describe('a live answer', () => {
  it('changes rows where they stand and counts the new', () => {
    const merged = mergeInPlace([row('a'), row('b')], [row('n'), row('b', 'new'), row('a')], key, false);
    expect(merged).toEqual({ items: [row('a'), row('b', 'new')], fresh: 1 });
  });
  it('keeps what lies below the answered top', () => {
    expect(mergeInPlace([row('a'), row('b')], [row('a', 'x')], key, true)).toEqual({ items: [row('a', 'x'), row('b')], fresh: 0 });
  });
  it('drops what a full answer no longer holds', () => {
    expect(mergeInPlace([row('a'), row('b')], [row('b')], key, false)).toEqual({ items: [row('b')], fresh: 0 });
  });
});

describe('the first page of a list, read anew', () => {
  const page = (ids: string, next: string | null) => ({ items: [...ids].map((id) => row(id)), next });
  /** `next` is where what lies below the last of the pages begins. */
  const after = (pages: string[], top: { items: ReturnType<typeof row>[]; next: string | null }, next: string | null = 'below') => {
    const merged = mergeTop(pages.map((ids, at) => page(ids, at === pages.length - 1 ? next : String(at))), top, key);
    return [merged.pages.map(({ items }) => items.map(({ id }) => id).join('')), merged.fresh];
  };
  it('takes away what has gone from it, and leaves what lies below', () => {
    expect(after(['abcd', 'efgh'], page('acde', '4'))).toEqual([['acd', 'efgh'], 0]);
  });
  it('takes nothing for gone that new rows have pushed out of it', () => {
    expect(after(['abcd', 'efgh'], page('nmac', '4'))).toEqual([['acd', 'efgh'], 2]);
    expect(after(['abcd', 'efgh'], page('nmop', '4'))).toEqual([['abcd', 'efgh'], 4]);
  });
  it('takes nothing for gone because another row has come up', () => {
    const up = { items: [row('a'), row('b'), row('g', 'changed')], next: '3' };
    expect(after(['abcd', 'efgh'], up)).toEqual([['abcd', 'efgh'], 0]);
    expect(after(['abcd', 'efgh'], page('hab', '3'))).toEqual([['abcd', 'efgh'], 0]);
  });
  it('takes no row for new that has come up from below what is shown', () => {
    expect(after(['abcd'], page('acde', '4'))).toEqual([['acd'], 0]);
    expect(after(['abcd'], page('nacde', '5'))).toEqual([['acd'], 1]);
    // Of a list that is shown whole there is nothing below.
    expect(after(['abcd'], page('abcde', null), null)).toEqual([['abcd'], 1]);
    expect(after(['abcd'], page('abcde', '5'), null)).toEqual([['abcd'], 1]);
  });
  it('knows all of a list that has no other page', () => {
    expect(after(['abcd', 'efgh'], page('bg', null))).toEqual([['b', 'g'], 0]);
    expect(after(['ab'], page('n', null))).toEqual([[''], 1]);
  });
});
