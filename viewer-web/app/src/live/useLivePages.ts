import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Change, Page } from '~/api/types';
import { inTime, questionMs } from './inTime';
import { mergeTop } from './merge';
import { useFresh } from './useFresh';

const pageRows = 50;

/** What the query of such a list holds. */
export type Pages<T> = InfiniteData<Page<T>, string | null>;

interface List<T> {
  /** Of the list; another one is another list. */
  key: QueryKey;
  page: (cursor: string | null, limit: number, signal?: AbortSignal) => Promise<Page<T>>;
  rowKey: (row: T) => string;
  /** What may change the list. */
  events: readonly Change['kind'][];
  /** What is asked anew with the list, when that is not the list alone. */
  stale?: readonly QueryKey[];
  /** Whether the list before is shown until this one is there. */
  keepsPrevious?: boolean;
}

/** A list page by page, and how much has come since: what goes elsewhere goes from it, and nothing new moves it. */
export function useLivePages<T>({ key, page, rowKey, events, stale = [key], keepsPrevious = false }: List<T>) {
  const client = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: key, staleTime: 0, initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => inTime(questionMs, (limited) => page(pageParam, pageRows, limited), signal), getNextPageParam: (last) => last.next,
    // The stream comes back with the line, and a look moves no row.
    refetchOnReconnect: false,
    ...(keepsPrevious ? { placeholderData: keepPreviousData } : {}),
  });
  const { fresh, taken } = useFresh<Pages<T>, Page<T>>({
    key, events, ask: (signal) => page(null, pageRows, signal),
    lay: (shown, top) => {
      const merged = mergeTop(shown.pages, top, rowKey);
      // Where no row is left there is none to move: what has come is simply shown.
      if (merged.pages.every(({ items }) => items.length === 0)) return { shown: { pages: [top], pageParams: [null] }, fresh: 0 };
      return { shown: { ...shown, pages: merged.pages }, fresh: merged.fresh };
    },
  });
  /** Asks anew; done once the list shows how things stand. */
  const refresh = async (): Promise<void> => {
    await Promise.all(stale.map((queryKey) => client.invalidateQueries({ queryKey })));
    // What could not be had is still to come.
    if (client.getQueryState(key)?.status !== 'error') taken();
  };
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  return { query, rows, fresh, refresh };
}
