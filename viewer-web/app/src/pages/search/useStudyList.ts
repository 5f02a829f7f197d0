import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { server, type StudyFilter } from '~/api/server';
import type { Page, Study } from '~/api/types';
import { useChanges } from '~/live/changes';
import { mergeInPlace } from '~/live/merge';

const pageRows = 50;
const studyKey = (study: Study): string => study.studyUid;

/** The studies of a filter, newest first, page by page, and how many have arrived since. */
export function useStudyList(filter: StudyFilter) {
  const client = useQueryClient();
  const key = useMemo(() => ['studies', filter] as const, [filter]);
  const [fresh, setFresh] = useState(0);
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => server.studies(filter, pageParam, pageRows, signal),
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });
  useEffect(() => setFresh(0), [key]);

  const refresh = useCallback(async () => {
    setFresh(0);
    await client.resetQueries({ queryKey: key, exact: true });
  }, [client, key]);

  const look = useCallback(async () => {
    const shown = client.getQueryData<InfiniteData<Page<Study>, string | null>>(key);
    if (!shown) return;
    const top = await server.studies(filter, null, pageRows);
    const all = shown.pages.flatMap((page) => page.items);
    // An empty list has no row to move: what arrives is simply shown.
    if (all.length === 0) return void (top.items.length > 0 && refresh());
    setFresh(mergeInPlace(all, top.items, studyKey, true).fresh);
    client.setQueryData<InfiniteData<Page<Study>, string | null>>(key, {
      ...shown,
      pages: shown.pages.map((page) => ({ ...page, items: mergeInPlace(page.items, top.items, studyKey, true).items })),
    });
  }, [client, filter, key, refresh]);
  useChanges(['study.changed', 'series.settled', 'exam.changed'], () => void look().catch(() => undefined));

  const studies = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { query, studies, fresh, refresh };
}
