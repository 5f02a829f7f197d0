import { server } from '~/api/server';
import type { Unmatched } from '~/api/types';
import { useLivePages } from '~/live/useLivePages';

/** The key of a row. */
export const rowKey = (row: Unmatched): string => row.studyUid;

/** What waits to be matched, page by page, and how much has come since. */
export const useUnmatched = () => useLivePages({ key: ['unmatched'], page: server.unmatched, rowKey, events: ['unmatched.changed', 'order.created', 'exam.changed'] });
