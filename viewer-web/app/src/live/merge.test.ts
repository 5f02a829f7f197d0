import { describe, expect, it } from 'vitest';
import { mergeInPlace } from './merge';

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
