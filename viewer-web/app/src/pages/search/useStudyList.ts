import { useQueryClient } from '@tanstack/react-query';
import { server, type StudyFilter } from '~/api/server';
import type { Study } from '~/api/types';
import { useLivePages, type Pages } from '~/live/useLivePages';

const studyKey = ({ studyUid }: Study): string => studyUid;

/** The studies of a filter, newest first, page by page, and how many have come since. */
export function useStudyList(filter: StudyFilter) {
  const client = useQueryClient();
  const key = ['studies', filter];
  const { query, rows, fresh, refresh } = useLivePages({
    key, page: (cursor, limit, signal) => server.studies(filter, cursor, limit, signal), rowKey: studyKey,
    events: ['study.changed', 'series.settled', 'exam.changed'], keepsPrevious: true,
  });
  /** Begins at the top: of a list that was scrolled far down, not every page is asked for again. */
  const restart = (): Promise<void> => {
    client.setQueryData<Pages<Study>>(key, (shown) => shown && { pages: shown.pages.slice(0, 1), pageParams: shown.pageParams.slice(0, 1) });
    return refresh();
  };
  return { query, studies: rows, fresh, refresh: restart };
}
