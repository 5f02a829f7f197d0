import { useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import type { Change, Page } from '~/api/types';
import { useChanges } from './changes';
import { mergeTop } from './merge';

const pageRows = 50;

interface List<T> {
  /** Of the list; another one is another list. */
  key: QueryKey;
  page: (cursor: string | null, limit: number, signal?: AbortSignal) => Promise<Page<T>>;
  rowKey: (row: T) => string;
  /** What may change the list. */
  events: readonly Change['kind'][];
  /** What is asked anew with the list, when that is not the list alone. */
  stale?: readonly QueryKey[];
}

/** A list page by page, and how much has come since: what goes elsewhere goes from it, and nothing new moves it. */
export function useLivePages<T>({ key, page, rowKey, events, stale = [key] }: List<T>) {
  const client = useQueryClient();
  const name = JSON.stringify(key);
  /** By the name of the list: an answer may come when another one is shown. */
  const [fresh, setFresh] = useState<Readonly<Record<string, number>>>({});
  useEffect(() => setFresh({}), [name]);
  const count = (rows: number): void => setFresh((all) => ({ ...all, [name]: rows }));
  const query = useInfiniteQuery({
    queryKey: key, staleTime: 0, initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => page(pageParam, pageRows, signal), getNextPageParam: (last) => last.next,
  });
  /** Asks anew; done once the list shows how things stand. */
  const refresh = async (): Promise<void> => {
    count(0);
    await Promise.all(stale.map((queryKey) => client.invalidateQueries({ queryKey })));
  };
  const look = async (): Promise<void> => {
    const read = () => client.getQueryData<InfiniteData<Page<T>, string | null>>(key);
    const asOf = (): number | undefined => client.getQueryState(key)?.dataUpdateCount;
    if (!read()) return;
    const before = asOf();
    const top = await page(null, pageRows);
    const shown = read();
    if (!shown) return;
    // Asked anew meanwhile: the answer may be older than what is shown now, and may know what that does not.
    if (asOf() !== before) return look();
    if (shown.pages.every(({ items }) => items.length === 0)) return top.items.length > 0 ? refresh() : undefined;
    const merged = mergeTop(shown.pages, top, rowKey);
    count(merged.fresh);
    client.setQueryData<InfiniteData<Page<T>, string | null>>(key, { ...shown, pages: merged.pages });
  };
  useChanges(events, () => void look().catch(() => undefined));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  return { query, rows, fresh: fresh[name] ?? 0, refresh };
}
