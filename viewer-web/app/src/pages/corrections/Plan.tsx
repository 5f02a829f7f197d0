import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import type { Study } from '~/api/types';
import { dayAndClock } from '~/format/dates';
import { personName } from '~/format/person';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './CorrectionsPage.module.css';

interface Props {
  /** How much goes: series, and images in all. */
  series: number;
  images: number;
  /** Single images, not whole series. */
  single: boolean;
  from: Study;
  /** Null: an exam of their own, of the same patient. */
  to: Study | null;
}

/** What is about to be moved, from which exam to which, and of whom; seen before it is done. */
export function Plan({ series, images, single, from, to }: Props) {
  const { t } = useTranslation();
  const otherPatient = to !== null && (to.patient.id !== from.patient.id || to.patient.issuer !== from.patient.issuer);
  return (
    <section className={css.preview} aria-label={t('corrections.plan')} aria-live="polite">
      <h3>{t('corrections.plan')}</h3>
      <dl className={css.plan}>
        <div><dt>{t('corrections.planWhat')}</dt><dd><b>{single ? t('corrections.planImages', { images }) : t('corrections.planSeries', { series, images })}</b></dd></div>
        <div><dt>{t('corrections.planFrom')}</dt><dd><ExamWords study={from} /></dd></div>
        <div><dt>{t('corrections.planTo')}</dt><dd>{to ? <ExamWords study={to} /> : t('corrections.planNew')}</dd></div>
      </dl>
      {otherPatient && <p className={css.warn}>{t('corrections.planOther')}</p>}
    </section>
  );
}

function ExamWords({ study }: { study: Study }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const { patient } = study;
  return (
    <>
      <b>{personName(patient.name) || t('field.unknown')}</b>{' '}
      <span>{[patient.id, short(patient), mainModalities(study.modalities), study.description, dayAndClock(study.studyDate, study.studyTime), study.accessionNumber].filter(Boolean).join(' · ')}</span>
    </>
  );
}
