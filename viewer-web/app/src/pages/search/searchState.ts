import { useSyncExternalStore } from 'react';
import type { StudyFilter } from '~/api/server';
import { shiftDay } from '~/format/dates';

/** The spans of days that one click chooses. */
export const periods = ['any', 'today', 'yesterday', 'week', 'month', 'range'] as const;
/** One of them. */
export type Period = (typeof periods)[number];

/** What the search page is set to. It outlives the page, so that coming back from images finds the list as it was. */
export interface SearchState {
  typed: string;
  modality: string | null;
  period: Period;
  from: string | null;
  to: string | null;
  selected: string | null;
}

const initial: SearchState = { typed: '', modality: null, period: 'any', from: null, to: null, selected: null };

let state = initial;
const watchers = new Set<() => void>();

/** Where the list was scrolled to. Not kept in the page's address: names must not enter the browser's history. */
export const scroll = { top: 0 };

/** Changes part of the state; a changed filter starts the list from its top. */
export function setSearch(change: Partial<SearchState>): void {
  if (Object.keys(change).some((key) => key !== 'selected')) scroll.top = 0;
  state = { ...state, ...change };
  for (const watcher of watchers) watcher();
}

/** Removes every filter. */
export function clearSearch(): void {
  setSearch({ ...initial });
}

/** The state of the search page. */
export function useSearchState(): SearchState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => state,
  );
}

/** The question to the server that this state asks on a given day. */
export function filterOf({ typed, modality, period, from, to }: Omit<SearchState, 'selected'>, today: string): StudyFilter {
  return { q: typed.trim(), modality, ...daysOf(period, from, to, today) };
}

function daysOf(period: Period, from: string | null, to: string | null, today: string): Pick<StudyFilter, 'from' | 'to'> {
  switch (period) {
    case 'any': return { from: null, to: null };
    case 'today': return { from: today, to: today };
    case 'yesterday': return { from: shiftDay(today, -1), to: shiftDay(today, -1) };
    case 'week': return { from: shiftDay(today, -6), to: today };
    case 'month': return { from: shiftDay(today, -29), to: today };
    case 'range': return { from, to };
  }
}
