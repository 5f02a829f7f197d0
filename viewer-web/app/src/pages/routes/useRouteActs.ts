import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Route } from '~/api/types';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** Stops, starts and removes rules; each can be taken back by writing the rule as it was. */
export function useRouteActs() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [done, setDone] = useState<Done | null>(null);
  const onSettled = (): void => void client.invalidateQueries({ queryKey: ['routes'] });
  const writing = useMutation({ mutationFn: (route: Route) => server.putRoute(route), onSuccess: () => setDone(null), onSettled });
  const acting = useMutation({
    mutationFn: ({ row, act }: { row: Route; act: 'toggle' | 'remove' }): Promise<unknown> =>
      act === 'remove' ? server.removeRoute(row.name) : server.putRoute({ ...row, isEnabled: !row.isEnabled }),
    onSuccess: (_, { row, act }) => {
      const text = t(act === 'remove' ? 'routes.removed' : row.isEnabled ? 'routes.stopped' : 'routes.started', { name: row.name });
      setDone({ text, undo: () => writing.mutate(row) });
    },
    onSettled,
  });
  const failure = acting.error ?? writing.error;
  const why = useProblemText(failure);
  return {
    toggle: (row: Route) => acting.mutate({ row, act: 'toggle' }),
    remove: (row: Route) => acting.mutate({ row, act: 'remove' }),
    busy: acting.isPending || writing.isPending,
    done: failure ? { text: why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      acting.reset();
      writing.reset();
    },
  };
}
