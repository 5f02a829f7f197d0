import { queryOptions } from '@tanstack/react-query';
import { seriesOf } from './dicomweb';
import { server } from './server';

/** One study with the patient's others. */
export const studyQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['study', studyUid], queryFn: ({ signal }) => server.study(studyUid, signal) });

/** What may be corrected of a study. */
export const correctableQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['correctable', studyUid], queryFn: ({ signal }) => server.correctable(studyUid, signal), staleTime: 0 });

/** What was done to a study. */
export const studyActsQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['studyActs', studyUid], queryFn: ({ signal }) => server.studyActs(studyUid, signal), staleTime: 0 });

/** What of a study is rejected. */
export const studyRejectionsQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['studyRejections', studyUid], queryFn: ({ signal }) => server.studyRejections(studyUid, signal), staleTime: 0 });

/** The series of a study. */
export const seriesQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['series', studyUid], queryFn: ({ signal }) => seriesOf(studyUid, signal), staleTime: 10_000 });

/** What the order form chooses from; rooms and devices change rarely. */
export const orderFormQuery = queryOptions({
  queryKey: ['orderForm'], queryFn: ({ signal }) => server.orderForm(signal), staleTime: 5 * 60_000,
});

/** What this server is. */
export const systemQuery = queryOptions({ queryKey: ['system'], queryFn: ({ signal }) => server.system(signal), staleTime: 5 * 60_000 });
