import { queryOptions } from '@tanstack/react-query';
import { seriesOf } from './dicomweb';
import { server } from './server';

/** One study with the patient's others. */
export const studyQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['study', studyUid], queryFn: ({ signal }) => server.study(studyUid, signal) });

/** The series of a study. */
export const seriesQuery = (studyUid: string) =>
  queryOptions({ queryKey: ['series', studyUid], queryFn: ({ signal }) => seriesOf(studyUid, signal), staleTime: 10_000 });

/** What the order form chooses from; rooms and devices change rarely. */
export const orderFormQuery = queryOptions({
  queryKey: ['orderForm'], queryFn: ({ signal }) => server.orderForm(signal), staleTime: 5 * 60_000,
});

/** What this server is. */
export const systemQuery = queryOptions({ queryKey: ['system'], queryFn: ({ signal }) => server.system(signal), staleTime: 5 * 60_000 });
