import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Intake } from '~/api/keepingTypes';
import type { Done } from '~/ui/UndoBar';
import { useProblemText } from '~/ui/useProblemText';

/** What people do to an import or a migration, in the order of their keys. */
export const intakeActs = ['stop', 'resume'] as const;
/** One of them. */
export type IntakeAct = (typeof intakeActs)[number];

/** Whether the act makes sense on it as it stands. */
export function isAllowed(row: Intake, act: IntakeAct): boolean {
  return act === 'stop' ? row.mayStop : row.mayResume;
}

const send = (row: Intake, act: IntakeAct): Promise<void> => (act === 'stop' ? server.stopIntake(row.id) : server.resumeIntake(row.id));

/** Stops and resumes; each takes the other back, where a server does the work. */
export function useIntakeActs(onChanged: () => Promise<unknown>) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const acting = useMutation({
    onMutate: () => setDone(null),
    mutationFn: ({ row, act }: { row: Intake; act: IntakeAct }) => send(row, act),
    onSuccess: async (_, { row, act }) => {
      await onChanged();
      const undo = row.byServer ? () => acting.mutate({ row, act: act === 'stop' ? 'resume' : 'stop' }) : null;
      setDone({ text: (t) => t(`intakes.did.${act}`, { from: row.from.join(', ') }), undo });
    },
    onError: onChanged,
  });
  const why = useProblemText(acting.error, t('intakes.conflict'));
  return {
    run: (row: Intake, act: IntakeAct) => acting.mutate({ row, act }),
    busy: acting.isPending,
    done: acting.error ? { text: () => why, undo: null, failed: true } : done,
    close: () => {
      setDone(null);
      acting.reset();
    },
  };
}
