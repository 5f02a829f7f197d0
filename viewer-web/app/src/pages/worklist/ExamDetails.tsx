import { Button, CloseButton } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Exam } from '~/api/types';
import { instant, timeOf } from '~/format/dates';
import { personName } from '~/format/person';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { PerformedSteps } from '~/ui/PerformedSteps';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePlaceOf } from './usePlaceOf';
import css from './WorklistPage.module.css';

interface Props {
  exam: Exam;
  /** The exam's acts, which on a phone have no room in its row. */
  acts: ReactNode;
  /** To its images, where its row does not lead there. */
  onOpen: (() => void) | null;
  onClose: () => void;
}

/** The selected exam in full, under the list: whatever a row has no room for. */
export function ExamDetails({ exam, acts, onOpen, onClose }: Props) {
  const { t } = useTranslation();
  const { short, age } = usePatientWords();
  const placeOf = usePlaceOf();
  const { patient } = exam;
  const place = [placeOf(exam), exam.room && exam.stationAe, exam.facility].filter(Boolean).join(' · ');
  const facts: [string, string | null][] = [
    [t('field.room'), place],
    [t('order.referring'), exam.referringPhysician],
    [t('order.reason'), exam.reason],
    [t('field.started'), exam.startedAt && timeOf(exam.startedAt)],
    [t('worklist.actReason'), exam.actReason],
  ];
  return (
    <section className={css.details} aria-label={t('worklist.details')}>
      <div className={css.who}>
        <b>{personName(patient.name) || t('field.unknown')}</b>
        <span>{[patient.id, short(patient), age(patient, exam.scheduledAt)].filter(Boolean).join(' · ')}</span>
        <ExamLabel label={exam.label} /><Flags flags={exam.flags} />
      </div>
      <div className={css.what}>
        <span>{instant(exam.scheduledAt)} · {exam.modality} · {exam.procedure.name} · {exam.accessionNumber}</span>
        {facts.filter(([, value]) => value).map(([name, value]) => <span key={name}><i>{name}</i> {value}</span>)}
      </div>
      <PerformedSteps key={exam.examId} of={{ examId: exam.examId }} />
      {(acts || onOpen) && <div className={css.narrowOnly}>{acts}{onOpen && <Button variant="default" onClick={onOpen}>{t('worklist.open')}</Button>}</div>}
      <CloseButton className={css.closeDetails ?? ''} size="sm" aria-label={t('action.close')} onClick={onClose} />
    </section>
  );
}
