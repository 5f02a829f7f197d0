import { queryOptions } from '@tanstack/react-query';
import { seriesOf } from './dicomweb';
import { server } from './server';

/** One study with the patient's others. */
export const studyQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['study', studyUid], queryFn: ({ signal }) => server.study(studyUid, signal) });

/** The series of a study. */
export const seriesQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['series', studyUid], queryFn: ({ signal }) => seriesOf(studyUid, signal), staleTime: 10_000 });
