import { describe, expect, it } from 'vitest';
import { filterOf, type SearchState } from './searchState';

const state: SearchState = { typed: ' nguyen van a ', modality: 'CT', period: 'any', from: '2026-01-01', to: null, selected: null };

describe('the question of the search page', () => {
  it.each([
    ['any', { from: null, to: null }],
    ['today', { from: '2026-03-01', to: '2026-03-01' }],
    ['yesterday', { from: '2026-02-28', to: '2026-02-28' }],
    ['week', { from: '2026-02-23', to: '2026-03-01' }],
    ['month', { from: '2026-01-31', to: '2026-03-01' }],
    ['range', { from: '2026-01-01', to: null }],
  ] as const)('asks for %s', (period, days) => {
    expect(filterOf({ ...state, period }, '2026-03-01')).toEqual({ q: 'nguyen van a', modality: 'CT', ...days });
  });
});
