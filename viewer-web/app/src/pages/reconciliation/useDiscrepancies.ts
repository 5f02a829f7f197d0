import { server, type ReconciliationFilter } from '~/api/server';
import type { Discrepancy } from '~/api/types';
import { useLivePages } from '~/live/useLivePages';

/** The key of a row. */
export const rowKey = (row: Discrepancy): string => String(row.id);

/** What is to be reconciled, page by page, and how much has come since. */
export function useDiscrepancies(filter: ReconciliationFilter) {
  return useLivePages({
    key: ['reconciliation', filter], page: (cursor, limit, signal) => server.reconciliation(filter, cursor, limit, signal), rowKey, events: ['patient.changed'],
    // Whose images are whose says every single study too, with the patient's others beside it.
    stale: [['reconciliation'], ['study']],
  });
}
