import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { ArchiveKeys, RemoteStudy } from '~/api/transferTypes';
import { personName } from '~/format/person';
import { useSteps, type Step } from '~/ui/useSteps';

/** How often an answer is looked for, and how often what has come is counted while something comes. */
const answerEveryMs = 300;
const countEveryMs = 2000;

/** A question to another archive, and what it answered. */
export function useArchiveAnswer() {
  const asking = useMutation({ mutationFn: ({ archive, keys }: { archive: string; keys: ArchiveKeys }) => server.askArchive(archive, keys) });
  const id = asking.data?.id ?? null;
  const [wanted, setWanted] = useState<readonly string[]>([]);
  const answer = useQuery({
    queryKey: ['archives', id],
    queryFn: ({ signal }) => server.archiveAnswer(id ?? 0, signal),
    enabled: id !== null,
    staleTime: 0,
    refetchInterval: ({ state: { data, error } }) => {
      // An answer is forgotten after an hour; what it said stays on the page.
      if (error instanceof Problem && error.status === 404) return false;
      if (isOpen(data?.state)) return answerEveryMs;
      return data?.items?.some((row) => wanted.includes(row.studyUid) && !isWhole(row)) ? countEveryMs : false;
    },
  });
  return {
    ask: (archive: string, keys: ArchiveKeys) => asking.mutate({ archive, keys }),
    archive: asking.variables?.archive ?? null,
    busy: asking.isPending || (id !== null && (answer.data === undefined || isOpen(answer.data.state)) && !answer.isError),
    answer: answer.data,
    error: asking.error ?? (answer.data ? null : answer.error),
    /** Has what comes of a study counted until all of it is here. */
    watch: (studyUid: string) => setWanted((before) => [...before, studyUid]),
  };
}

/** Whether all that the archive has of a study is here. */
export function isWhole({ hereCount, instanceCount }: RemoteStudy): boolean {
  return instanceCount !== null && hereCount >= instanceCount;
}

function isOpen(state: string | undefined): boolean {
  return state === 'waiting' || state === 'running';
}

/** Has a study sent here; the way back is to cancel that. */
export function usePull(archive: string | null, onPulled: (studyUid: string) => void) {
  const client = useQueryClient();
  const { take, busy, done, close } = useSteps(() => client.invalidateQueries({ queryKey: ['queue'] }));
  const pull = (row: RemoteStudy): Step => {
    const name = personName(row.patient.name) || row.patient.id;
    return {
      run: async () => {
        const { id } = await server.pullStudy(archive ?? '', row.studyUid);
        onPulled(row.studyUid);
        return { run: () => server.cancelTransfer(id), text: (t) => t('archives.stopped', { name }), conflict: (t) => t('archives.tooLate') };
      },
      text: (t) => t('archives.pulled', { name }), conflict: (t) => t('archives.already'),
    };
  };
  return { pull: (row: RemoteStudy) => take(pull(row)), busy, done, close };
}
