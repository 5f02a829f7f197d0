import { describe, expect, it } from 'vitest';
import type { Reason } from '~/api/types';
import { languages, phrases } from './index';
import { brief, more, whole } from './why';

const peer: Reason = { code: 'peer', values: { status: '0xA700', cause: 'outOfResources' }, detail: 'it answered 0xA700' };

describe('a reason of the server', () => {
  it('is told in the language of the reader, with what lies underneath', () => {
    for (const language of languages) {
      const all = phrases[language];
      expect(whole(language, 'transfer', peer)).toBe(`${all.queue.reason.peer}. ${all.cause.outOfResources} (0xA700)`);
    }
    expect(whole('vi', 'transfer', peer)).not.toBe(whole('en', 'transfer', peer));
  });

  it('has its values filled in, figures as they are written there', () => {
    const reason: Reason = { code: 'incomplete', values: { arrived: 1200, expected: 3000 }, detail: '1200 of 3000 instances are here' };
    expect(whole('vi', 'notTaken', reason)).toContain('1.200');
    expect(whole('en', 'notTaken', reason)).toContain('1,200');
  });

  it('is told as the server says it where there is no sentence for it, or a value is missing', () => {
    const strange: Reason[] = [{ ...peer, code: 'other' }, { ...peer, code: 'toString' }, { code: 'incomplete', values: {}, detail: 'it answered 0xA700' }];
    for (const language of languages) {
      for (const reason of strange) {
        expect(whole(language, 'notTaken', reason)).toBe('it answered 0xA700');
        expect(more(language, 'notTaken', reason)).toBe('');
      }
      expect(brief(language, 'transfer', { code: 'newer', values: {}, detail: '' })).toBe('newer');
    }
  });

  it('needs no cause, and no cause that is known', () => {
    expect(whole('vi', 'transfer', { ...peer, values: {} })).toBe(phrases.vi.queue.reason.peer);
    expect(whole('vi', 'transfer', { ...peer, values: { cause: 'newer' } })).toBe(phrases.vi.queue.reason.peer);
    expect(whole('vi', 'transfer', { ...peer, values: { status: '0xA700' } })).toBe(`${phrases.vi.queue.reason.peer} (0xA700)`);
  });
});
