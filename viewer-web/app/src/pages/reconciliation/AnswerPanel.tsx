import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import type { Answer, Discrepancy } from '~/api/types';
import { recordPath } from '~/app/paths';
import { dayAndClock, instant } from '~/format/dates';
import { actorName, personName } from '~/format/person';
import { PatientPicker } from '~/ui/PatientPicker';
import { PanelHead, SidePanel, VacantPanel } from '~/ui/SidePanel';
import { useFault } from '~/ui/useFault';
import { Comparison } from './Comparison';
import { effectOf } from './sides';
import css from './ReconciliationPage.module.css';

interface Props {
  row: Discrepancy | null;
  busy: boolean;
  failure: Error | null;
  /** The answer whose patient is being looked for. */
  asking: Answer | null;
  reason: string;
  onReason: (reason: string) => void;
  onAnswer: (row: Discrepancy, answer: Answer, recordId: number | null) => void;
  onReopen: (row: Discrepancy) => void;
  onOpen: (row: Discrepancy) => void;
}

/** What does not go together, both sides of it, and what may be said of it. */
export function AnswerPanel({ row, busy, failure, asking, reason, onReason, onAnswer, onReopen, onOpen }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  if (!row) return <VacantPanel>{t('reconciliation.pick')}</VacantPanel>;
  const { study, answered } = row;
  return (
    <SidePanel label={t('reconciliation.title')}>
      <PanelHead
        title={personName(study.patient.name) || t('field.unknown')}
        note={[mainModalities(study.modalities), study.description, dayAndClock(study.studyDate, study.studyTime), study.accessionNumber, study.facility].filter(Boolean).join(' · ')}
      >
        <Button variant="default" onClick={() => onOpen(row)}>{t('worklist.open')}</Button>
      </PanelHead>
      <p className={css.explain}>{t(`reconciliation.explain.${row.kind}`)}</p>
      <Comparison row={row} />
      <p className={css.links}>
        <Link to={recordPath(study.recordId)}>{t('reconciliation.openRecord')}</Link>
        {row.other.recordId !== null && row.other.recordId !== study.recordId && row.other.patient && (
          <Link to={recordPath(row.other.recordId)}>{t('reconciliation.openRecord')}: {personName(row.other.patient.name) || t('field.unknown')}</Link>
        )}
      </p>
      {answered ? <Answered row={row} busy={busy} failure={failure} reason={reason} onReason={onReason} onReopen={onReopen} /> : (
        <>
          {row.answers.map((answer, index) => (
            <button key={answer} type="button" className={css.answer} disabled={busy} aria-pressed={asking === answer} onClick={() => onAnswer(row, answer, null)}>
              <span><b>{t(`reconciliation.answer.${answer}`)}</b><small>{t(`reconciliation.effect.${effectOf(row, answer)}`)}</small></span>
              <kbd>{index + 1}</kbd>
            </button>
          ))}
          {asking === 'otherPatient' && <Whose row={row} onPick={(recordId) => onAnswer(row, 'otherPatient', recordId)} />}
          <TextInput label={t('reconciliation.because')} value={reason} error={faultOf(failure, 'reason')} onChange={(event) => onReason(event.currentTarget.value)} />
        </>
      )}
    </SidePanel>
  );
}

/** Asks whose a study is, with the box ready to type in. */
function Whose({ row, onPick }: { row: Discrepancy; onPick: (recordId: number) => void }) {
  const { t } = useTranslation();
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => box.current?.focus(), []);
  return <PatientPicker box={box} label={t('reconciliation.whose')} except={row.study.recordId} onPick={({ recordId }) => onPick(recordId)} />;
}

function Answered({ row, busy, failure, reason, onReason, onReopen }: Pick<Props, 'busy' | 'failure' | 'reason' | 'onReason' | 'onReopen'> & { row: Discrepancy }) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const { answered } = row;
  if (!answered) return null;
  return (
    <section className={css.answered}>
      <b>{answered.answer ? t(`reconciliation.answer.${answered.answer}`) : t('reconciliation.joined')}</b>
      <span>{t('reconciliation.by', { who: actorName(answered.by), when: instant(answered.at) })}</span>
      {answered.reason && <q>{answered.reason}</q>}
      {answered.answer && (
        <>
          <TextInput label={t('reconciliation.because')} value={reason} error={faultOf(failure, 'reason')} onChange={(event) => onReason(event.currentTarget.value)} />
          <Button variant="default" disabled={busy} onClick={() => onReopen(row)} rightSection={<kbd>1</kbd>}>{t('reconciliation.reopen')}</Button>
        </>
      )}
    </section>
  );
}
