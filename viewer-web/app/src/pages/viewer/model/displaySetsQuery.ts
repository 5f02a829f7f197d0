import { queryOptions } from '@tanstack/react-query';
import { metadataOf } from '~/api/dicomweb';
import { displaySetsOf } from './displaySets';
import { withPalettes } from './palettes';

/** What a series shows, from its metadata. */
export const displaySetsQuery = (studyUid: string, seriesUid: string) =>
  queryOptions({
    queryKey: ['displaySets', studyUid, seriesUid],
    queryFn: async ({ signal }) => displaySetsOf(studyUid, seriesUid, await withPalettes(await metadataOf(studyUid, seriesUid, signal)), window.location.origin),
    staleTime: 60_000,
    gcTime: 30 * 60_000,
  });
