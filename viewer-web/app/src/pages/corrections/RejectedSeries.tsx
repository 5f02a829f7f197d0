import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { StudyRejections } from '~/api/types';
import { instant } from '~/format/dates';
import { actorName } from '~/format/person';
import css from './CorrectionsPage.module.css';

interface Props {
  rejections: StudyRejections;
  busy: boolean;
  /** A series, or all of the exam. */
  onRestore: (seriesUid: string | undefined) => void;
}

/** What of the exam is rejected, why and by whom, with the way back for each series and for all. */
export function RejectedSeries({ rejections: { study, series }, busy, onRestore }: Props) {
  const { t } = useTranslation();
  return (
    <section className={css.form} aria-label={t('corrections.reject.now')}>
      <h3>{t('corrections.reject.now')}</h3>
      {study.instanceCount === 0 && series.length > 0 && <p className={css.warn}>{t('corrections.reject.whole')}</p>}
      {series.length === 0 && <p className={css.dim}>{t('corrections.reject.none')}</p>}
      {series.map((one) => (
        <div key={one.seriesUid} className={css.one}>
          <span className={css.what}>
            <b className="cut">{t('corrections.reject.ofSeries', { number: one.number ?? '', what: [one.modality, one.description].filter(Boolean).join(' · ') })}</b>
            <small>{t('corrections.reject.count', { rejected: one.rejectedCount, all: one.rejectedCount + one.instanceCount })}</small>
            <small>{[one.rejected.code && t(`corrections.rejection.${one.rejected.code}`), actorName(one.rejected.by), instant(one.rejected.at)].filter(Boolean).join(' · ')}</small>
          </span>
          <Button className={css.far ?? ''} variant="default" size="compact-xs" disabled={busy} onClick={() => onRestore(one.seriesUid)}>{t('corrections.reject.restore')}</Button>
        </div>
      ))}
      {series.length > 1 && <div><Button variant="default" disabled={busy} onClick={() => onRestore(undefined)}>{t('corrections.reject.restoreAll')}</Button></div>}
    </section>
  );
}
