import { useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { server } from '~/api/server';
import type { Page, Unmatched } from '~/api/types';
import { useChanges } from '~/live/changes';
import { mergeInPlace } from '~/live/merge';

const pageRows = 50;
const key = ['unmatched'] as const;

/** The key of a row. */
export const rowKey = (row: Unmatched): string => row.studyUid;

/** What waits to be matched, page by page, and how much has come since. */
export function useUnmatched() {
  const client = useQueryClient();
  const [fresh, setFresh] = useState(0);
  const query = useInfiniteQuery({
    queryKey: key, staleTime: 0, initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => server.unmatched(pageParam, pageRows, signal), getNextPageParam: (page) => page.next,
  });
  const refresh = useCallback(() => {
    setFresh(0);
    void client.invalidateQueries({ queryKey: key });
  }, [client]);
  const look = useCallback(async () => {
    const shown = client.getQueryData<InfiniteData<Page<Unmatched>, string | null>>(key);
    if (!shown) return;
    const top = await server.unmatched(null, pageRows);
    const all = shown.pages.flatMap((page) => page.items);
    if (all.length === 0) return void (top.items.length > 0 && refresh());
    // The first page is known whole: what has gone from it goes, nothing new moves it.
    const whole = shown.pages.length === 1 && top.next === null;
    setFresh(mergeInPlace(all, top.items, rowKey, true).fresh);
    client.setQueryData<InfiniteData<Page<Unmatched>, string | null>>(key, {
      ...shown,
      pages: shown.pages.map((page) => ({ ...page, items: mergeInPlace(page.items, top.items, rowKey, !whole).items })),
    });
  }, [client, refresh]);
  useChanges(['unmatched.changed', 'order.created', 'exam.changed'], () => void look().catch(() => undefined));
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { query, rows, fresh, refresh };
}
