import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { ArchiveKeys, RemoteStudy } from '~/api/types';
import { personName } from '~/format/person';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** How often an answer is looked for, and how often what has come is counted while something comes. */
const answerEveryMs = 300;
const countEveryMs = 2000;

/** A question to another archive, and what it answered. */
export function useArchiveAnswer() {
  const asking = useMutation({ mutationFn: ({ archive, keys }: { archive: string; keys: ArchiveKeys }) => server.askArchive(archive, keys) });
  const id = asking.data?.id ?? null;
  const [pulling, setPulling] = useState(false);
  const answer = useQuery({
    queryKey: ['archives', id],
    queryFn: ({ signal }) => server.archiveAnswer(id ?? 0, signal),
    enabled: id !== null,
    staleTime: 0,
    refetchInterval: ({ state }) => (isOpen(state.data?.state) ? answerEveryMs : pulling ? countEveryMs : false),
  });
  return {
    ask: (archive: string, keys: ArchiveKeys) => asking.mutate({ archive, keys }),
    archive: asking.variables?.archive ?? null,
    busy: asking.isPending || (id !== null && (answer.data === undefined || isOpen(answer.data.state)) && !answer.isError),
    answer: answer.data,
    error: asking.error ?? answer.error,
    watch: () => setPulling(true),
  };
}

function isOpen(state: string | undefined): boolean {
  return state === 'waiting' || state === 'running';
}

/** Has a study sent here; the way back is to cancel that. */
export function usePull(archive: string | null, onPulled: () => void) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [done, setDone] = useState<Done | null>(null);
  const undoing = useMutation({ mutationFn: (id: number) => server.cancelTransfer(id), onSettled: () => client.invalidateQueries({ queryKey: ['queue'] }) });
  const pulling = useMutation({
    mutationFn: (row: RemoteStudy) => server.pullStudy(archive ?? '', row.studyUid),
    onSuccess: ({ id }, row) => {
      const text = t('archives.pulled', { name: personName(row.patient.name) || row.patient.id });
      const undo = (): void => {
        setDone({ text, undo: null });
        undoing.mutate(id);
      };
      setDone({ text, undo });
      onPulled();
    },
  });
  const failure = pulling.error ?? undoing.error;
  const why = useProblemText(failure, t('archives.already'));
  return {
    pull: (row: RemoteStudy) => pulling.mutate(row),
    busy: pulling.isPending,
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      pulling.reset();
      undoing.reset();
    },
  };
}
