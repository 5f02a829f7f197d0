import { Button, TextInput } from '@mantine/core';
import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { StudyRejections } from '~/api/correctionTypes';
import { instant } from '~/format/dates';
import { actorName } from '~/format/person';
import { useFault } from '~/ui/useFault';
import css from './CorrectionsPage.module.css';

interface Props {
  rejections: StudyRejections;
  busy: boolean;
  failure: Error | null;
  /** A series, or all of the exam. */
  onRestore: (seriesUid: string | undefined, reason: string, onRestored: () => void) => void;
}

/** What of the exam is rejected, why and by whom, with the way back for each series and for all, once somebody says why. */
export function RejectedSeries({ rejections: { study, series }, busy, failure, onRestore }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const id = useId();
  const [reason, setReason] = useState('');
  const section = useRef<HTMLElement>(null);
  const box = useRef<HTMLInputElement>(null);
  const isRestored = useRef(false);
  useLayoutEffect(() => {
    // Until then the list is the one before.
    if (busy || !isRestored.current) return;
    isRestored.current = false;
    // The button pressed has gone with its series, or rests: the keys go where the next is restored, and are taken from nothing else.
    const at = document.activeElement;
    if (at === document.body || section.current?.contains(at)) (box.current ?? section.current)?.focus();
  });
  const ready = !busy && reason.trim() !== '';
  const onRestored = (): void => {
    isRestored.current = true;
    setReason('');
  };
  const restore = (seriesUid: string | undefined): void => {
    if (ready) onRestore(seriesUid, reason.trim(), onRestored);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
    // With Ctrl too: whoever says why something is restored does not mean to reject what is chosen above.
    event.stopPropagation();
    if (series.length === 1) restore(series[0]?.seriesUid);
  };
  return (
    <section ref={section} tabIndex={-1} className={css.form} aria-label={t('corrections.reject.now')}>
      <h3>{t('corrections.reject.now')}</h3>
      {study.instanceCount === 0 && series.length > 0 && <p className={css.warn}>{t('corrections.reject.whole')}</p>}
      {series.length === 0 && <p className={css.dim}>{t('corrections.reject.none')}</p>}
      {series.length > 0 && (
        <TextInput
          ref={box} className={css.because ?? ''} label={t('corrections.reject.because')} placeholder={t('corrections.reasonHint')} required value={reason}
          error={faultOf(failure, 'reason')} onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={onKeyDown}
        />
      )}
      {series.map((one) => (
        <div key={one.seriesUid} className={css.one}>
          <span className={css.what}>
            <b id={`${id}${one.seriesUid}`} className="cut">{t('corrections.reject.ofSeries', { number: one.number ?? '', what: [one.modality, one.description].filter(Boolean).join(' · ') })}</b>
            <small>{t('corrections.reject.count', { rejected: one.rejectedCount, all: one.rejectedCount + one.instanceCount })}</small>
            <small>{[one.rejected.code && t(`corrections.rejection.${one.rejected.code}`), actorName(one.rejected.by), instant(one.rejected.at)].filter(Boolean).join(' · ')}</small>
          </span>
          <Button className={css.far ?? ''} variant="default" size="compact-xs" disabled={!ready} aria-describedby={`${id}${one.seriesUid}`} onClick={() => restore(one.seriesUid)}>{t('corrections.reject.restore')}</Button>
        </div>
      ))}
      {series.length > 1 && <div><Button variant="default" disabled={!ready} onClick={() => restore(undefined)}>{t('corrections.reject.restoreAll')}</Button></div>}
    </section>
  );
}
