import { describe, expect, it } from 'vitest';
import type { Transfer } from '~/api/transferTypes';
import { allowedOn, stepped } from './acts';

const of = (change: Partial<Transfer>): Transfer => ({ state: 'waiting', priority: 'normal', error: null, ...change }) as Transfer;

describe('acts on the queue', () => {
  it('fit the state', () => {
    expect(allowedOn(of({}))).toEqual(['cancel', 'raise', 'lower']);
    expect(allowedOn(of({ error: { code: 'unreachable', values: {}, detail: '' } }))).toEqual(['retry', 'cancel', 'raise', 'lower']);
    expect(allowedOn(of({ state: 'running' }))).toEqual(['cancel']);
    expect(allowedOn(of({ state: 'failed' }))).toEqual(['retry', 'cancel']);
    expect(allowedOn(of({ state: 'cancelled' }))).toEqual(['retry']);
    expect(allowedOn(of({ state: 'done' }))).toEqual([]);
    expect(allowedOn(of({ state: 'done', isCorrectedSince: true }))).toEqual(['resend']);
  });

  it('step by step through the priorities', () => {
    expect(stepped(of({}), 'raise')).toBe('high');
    expect(stepped(of({ priority: 'high' }), 'raise')).toBeNull();
    expect(stepped(of({ priority: 'low' }), 'lower')).toBeNull();
    expect(allowedOn(of({ priority: 'high' }))).toEqual(['cancel', 'lower']);
  });
});
