import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Done, Words } from './UndoBar';
import { useProblemText } from './useProblemText';

/** Something that a person does. */
export interface Step {
  /** Does it, and answers the step that takes it back, where there is one. */
  run: () => Promise<Step | void>;
  /** What is said once it is done. */
  text: Words;
  /** What a conflict means here. */
  conflict: Words;
  /** The form that it is of: the faults of its fields are shown there, and at no other. */
  form?: string;
}

interface Taken {
  step: Step;
  isBack: boolean;
}

/**
 * Takes one step after another, each with its way back: what is said is of the last one only. A way back is offered
 * once; one that failed may be tried again, since it may hold the only copy of what was there before.
 */
export function useSteps(onSettled: () => unknown) {
  const { t } = useTranslation();
  const [done, setDone] = useState<Done | null>(null);
  const taking = useMutation({
    mutationFn: ({ step }: Taken) => step.run(),
    onMutate: () => setDone(null),
    onSuccess: async (back, { step: { text }, isBack }) => {
      // It is called done once the page shows it, so that whoever reads this can go on with it.
      await onSettled();
      setDone({ text, undo: back && !isBack ? () => taking.mutate({ step: back, isBack: true }) : null });
    },
    onError: onSettled,
  });
  const { error, variables } = taking;
  const why = useProblemText(error, variables?.step.conflict(t));
  return {
    take: (step: Step, onTaken?: () => void) => taking.mutate({ step, isBack: false }, { onSuccess: () => onTaken?.() }),
    busy: taking.isPending,
    /** What went wrong with the step of a form. */
    formFailure: variables?.step.form === undefined ? null : error,
    failureOf: (form: string): Error | null => (variables?.step.form === form ? error : null),
    done: error ? { text: () => why, undo: variables?.isBack ? () => taking.mutate(variables) : null, failed: true } : done,
    close: () => {
      setDone(null);
      taking.reset();
    },
  };
}
