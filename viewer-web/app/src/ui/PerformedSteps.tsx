import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { PerformedStep } from '~/api/types';
import { instant, timeOf } from '~/format/dates';
import { useChanges } from '~/live/changes';
import { Standing } from './Standing';
import css from './ui.module.css';

/** Whose steps: those of an exam, or those that were for a study or made its series. */
type Of = { examId: number } | { studyUid: string };

const drawn = { inProgress: 'running', completed: 'done', discontinued: 'cancelled' } as const;

/** What consoles report of an exam (MPPS): how each step stands, on which console, when, and what it made. Nothing while nothing was reported. */
export function PerformedSteps({ of }: { of: Of }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ['performed', of],
    queryFn: ({ signal }) => ('examId' in of ? server.performedOfExam(of.examId, signal) : server.performedOfStudy(of.studyUid, signal)),
  });
  useChanges(['exam.changed', 'unmatched.changed'], () => void query.refetch());
  const steps = query.data?.items ?? [];
  if (steps.length === 0) return null;
  return (
    <section className={css.steps} aria-label={t('performed.title')}>
      <h3>{t('performed.title')}</h3>
      {steps.map((step) => <Step key={step.uid} step={step} />)}
    </section>
  );
}

function Step({ step }: { step: PerformedStep }) {
  const { t } = useTranslation();
  const { seriesCount, instanceCount } = step;
  const when = [instant(step.startedAt), step.endedAt && timeOf(step.endedAt)].filter(Boolean).join(' – ');
  const made = instanceCount > 0 ? t('performed.made', { series: seriesCount, images: instanceCount }) : seriesCount > 0 ? t('performed.series', { count: seriesCount }) : '';
  return (
    <p>
      <Standing state={drawn[step.state]}>{t(`performed.state.${step.state}`)}</Standing>
      {step.isWrongEntry ? <span className={css.flag}>{t('performed.wrongEntry')}</span> : !step.hasExam && <span className={css.flag}>{t('performed.noExam')}</span>}
      <span>{[step.stationName || step.stationAe, step.modality, step.description, when, made, step.dose, step.reason].filter(Boolean).join(' · ')}</span>
    </p>
  );
}
