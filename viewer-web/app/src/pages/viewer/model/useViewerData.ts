import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { hasPictures, type Series } from '~/api/dicomweb';
import { seriesQuery, studyQuery } from '~/api/queries';
import type { Study } from '~/api/types';
import { useChanges } from '~/live/changes';
import type { DisplaySet } from './displaySets';
import { displaySetsQuery } from './displaySetsQuery';

/** Names one display set: series and its part of it (most series have one). */
export interface PartKey {
  studyUid: string;
  seriesUid: string;
  part: number;
}

/** A part's name as one text, for the state of cells and for dragging. */
export const partText = ({ studyUid, seriesUid, part }: PartKey): string => `${studyUid}/${seriesUid}/${part}`;

/** Reads `partText` back. */
export function partFrom(text: string): PartKey | null {
  const [studyUid, seriesUid, part] = text.split('/');
  return studyUid && seriesUid && part ? { studyUid, seriesUid, part: Number(part) } : null;
}

/** One study in the strip, with its series once they are asked for. */
export interface StripStudy {
  study: Study;
  series: readonly Series[] | null;
}

/** The opened study, the patient's others, and the series of those that are unfolded. */
export function useViewerStudies(studyUid: string) {
  const client = useQueryClient();
  const study = useQuery(studyQuery(studyUid));
  const series = useQuery(seriesQuery(studyUid));
  const [unfolded, setUnfolded] = useState<readonly string[]>([]);
  const others = useQueries({ queries: unfolded.map((uid) => seriesQuery(uid)) });
  // Images that land while one looks join their series.
  useChanges(['study.changed', 'series.settled'], () => {
    void client.invalidateQueries({ queryKey: ['series', studyUid] });
    void client.invalidateQueries({ queryKey: ['displaySets', studyUid] });
  }, studyUid);
  // Whose the images are may be set right while one looks; of patients the stream names no study.
  useChanges(['patient.changed', 'exam.changed', 'study.changed'], () => void client.invalidateQueries({ queryKey: ['study', studyUid] }), studyUid);

  // The newest other study of the same kind stands unfolded: it is what one compares with.
  const comparable = study.data?.priors.find(({ modalities }) => modalities.some((modality) => hasPictures(modality) && study.data.modalities.includes(modality)));
  useEffect(() => {
    if (comparable) setUnfolded([comparable.studyUid]);
  }, [comparable?.studyUid]);

  const strip = useMemo((): StripStudy[] => {
    if (!study.data) return [];
    return [
      { study: study.data, series: series.data ?? null },
      ...study.data.priors.map((prior): StripStudy => ({ study: prior, series: others[unfolded.indexOf(prior.studyUid)]?.data ?? null })),
    ];
  }, [study.data, series.data, others, unfolded]);
  const unfold = (uid: string): void => setUnfolded((before) => (before.includes(uid) ? before.filter((other) => other !== uid) : [...before, uid]));
  return { study, series, strip, unfolded, unfold };
}

/** What stands in a cell: nothing, something on its way, or a display set. */
export type CellContent =
  | { is: 'empty' }
  | { is: 'loading' }
  | { is: 'failed'; error: Error; retry: () => void }
  | { is: 'shown'; set: DisplaySet; study: Study | null };

/** The contents of all cells. */
export function useCells(cells: readonly (string | null)[], strip: readonly StripStudy[]): CellContent[] {
  const keys = cells.map((cell) => (cell === null ? null : partFrom(cell)));
  const answers = useQueries({
    queries: keys.map((key) => ({ ...displaySetsQuery(key?.studyUid ?? '', key?.seriesUid ?? ''), enabled: key !== null })),
  });
  return keys.map((key, index): CellContent => {
    const answer = answers[index];
    if (key === null || !answer) return { is: 'empty' };
    if (answer.isError) return { is: 'failed', error: answer.error, retry: () => void answer.refetch() };
    if (!answer.data) return { is: 'loading' };
    const set = answer.data[key.part];
    return set ? { is: 'shown', set, study: strip.find(({ study }) => study.studyUid === key.studyUid)?.study ?? null } : { is: 'empty' };
  });
}
