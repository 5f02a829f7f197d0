import { useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { server, type ReconciliationFilter } from '~/api/server';
import type { Discrepancy, Page } from '~/api/types';
import { useChanges } from '~/live/changes';
import { mergeInPlace } from '~/live/merge';

const pageRows = 50;

/** The key of a row. */
export const rowKey = (row: Discrepancy): string => String(row.id);

/** What is to be reconciled, page by page, and how much has come since. */
export function useDiscrepancies(filter: ReconciliationFilter) {
  const client = useQueryClient();
  const key = useMemo(() => ['reconciliation', filter] as const, [filter]);
  const [fresh, setFresh] = useState(0);
  useEffect(() => setFresh(0), [key]);
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => server.reconciliation(filter, pageParam, pageRows, signal),
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  const refresh = useCallback(() => {
    setFresh(0);
    void client.invalidateQueries({ queryKey: ['reconciliation'] });
    // Whose images are whose says every single study too, with the patient's others beside it.
    void client.invalidateQueries({ queryKey: ['study'] });
  }, [client]);
  const look = useCallback(async () => {
    const shown = client.getQueryData<InfiniteData<Page<Discrepancy>, string | null>>(key);
    if (!shown) return;
    const top = await server.reconciliation(filter, null, pageRows);
    const all = shown.pages.flatMap((page) => page.items);
    if (all.length === 0) return void (top.items.length > 0 && refresh());
    // The first page is known whole: what has gone from it goes, nothing new moves it.
    const whole = shown.pages.length === 1 && top.next === null;
    setFresh(mergeInPlace(all, top.items, rowKey, true).fresh);
    client.setQueryData<InfiniteData<Page<Discrepancy>, string | null>>(key, {
      ...shown,
      pages: shown.pages.map((page) => ({ ...page, items: mergeInPlace(page.items, top.items, rowKey, !whole).items })),
    });
  }, [client, filter, key, refresh]);
  useChanges(['patient.changed'], () => void look().catch(() => undefined));
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { query, rows, fresh, refresh };
}
