/** The viewer's code, fetched apart from the pages: it carries cornerstone, most of all bytes. */
import type { QueryClient } from '@tanstack/react-query';
import type { ComponentType } from 'react';
import { hasPictures } from '~/api/dicomweb';
import { seriesQuery, studyQuery } from '~/api/queries';
import { displaySetsQuery } from '~/pages/viewer/model/displaySetsQuery';

let loaded: ComponentType | null = null;

/** The viewer, once its code is there. */
export const loadedViewer = (): ComponentType | null => loaded;

/** Fetches the viewer's code. */
export async function loadViewer(): Promise<ComponentType> {
  loaded = (await viewerModule()).ViewerPage;
  return loaded;
}

const viewerModule = () => import('~/pages/viewer/ViewerPage');

/** Fetches the viewer's code and draws once out of sight, so that the first image waits for neither. For idle moments. */
export async function warmViewer(): Promise<void> {
  await loadViewer();
  const { rehearse, canDraw } = await viewerModule();
  if (canDraw()) await rehearse();
}

/** Asks for what the viewer will ask for first. Nothing here may fail loudly: the viewer asks again. */
export async function prefetchStudy(client: QueryClient, studyUid: string): Promise<void> {
  void client.prefetchQuery(studyQuery(studyUid));
  const series = await client.ensureQueryData(seriesQuery(studyUid)).catch(() => []);
  const first = series.find(({ modality }) => hasPictures(modality));
  if (first) await client.prefetchQuery(displaySetsQuery(studyUid, first.seriesUid));
}

/** Also fetches and decodes the first image, for a study that somebody is looking at in the list. */
export async function prefetchFirstImage(client: QueryClient, studyUid: string): Promise<void> {
  await prefetchStudy(client, studyUid);
  const series = client.getQueryData(seriesQuery(studyUid).queryKey)?.find(({ modality }) => hasPictures(modality));
  const [first] = (series && client.getQueryData(displaySetsQuery(studyUid, series.seriesUid).queryKey)) ?? [];
  if (first?.is !== 'stack') return;
  const { preload, canDraw } = await viewerModule();
  if (canDraw()) await preload(first);
}
