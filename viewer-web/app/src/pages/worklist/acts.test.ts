import { describe, expect, it } from 'vitest';
import { phrases } from '~/i18n';
import { actOf, actsInOrder, digitOf } from './acts';

describe('the keys of acts', () => {
  it('reach every act there is a word for, each by one digit', () => {
    expect([...actsInOrder].toSorted()).toEqual(Object.keys(phrases.vi.exam.act).toSorted());
    for (const act of actsInOrder) expect(actOf(digitOf(act), actsInOrder)).toBe(act);
  });
  it('do nothing where the act is not allowed', () => {
    expect(actOf(digitOf('call'), ['arrive'])).toBeNull();
    expect(actOf(9, actsInOrder)).toBeNull();
  });
});
