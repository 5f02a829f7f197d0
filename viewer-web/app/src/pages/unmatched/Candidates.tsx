import { Button, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import type { Exam, Unmatched } from '~/api/types';
import { day, instant } from '~/format/dates';
import { fold } from '~/format/fold';
import { personName } from '~/format/person';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { PanelHead, SidePanel, VacantPanel } from '~/ui/SidePanel';
import { useFault } from '~/ui/useFault';
import { usePatientWords } from '~/ui/usePatientWords';
import type { Orders } from './useOrders';
import css from './UnmatchedPage.module.css';

interface Props {
  row: Unmatched | null;
  orders: Orders;
  busy: boolean;
  failure: Error | null;
  reason: string;
  onReason: (reason: string) => void;
  onLink: (row: Unmatched, exam: Exam) => void;
  onOpen: (row: Unmatched) => void;
}

/** The orders that may belong to the images, and any other that one looks for, compared line by line: what differs says so. */
export function Candidates({ row, orders, busy, failure, reason, onReason, onLink, onOpen }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  if (!row) return <VacantPanel>{t('unmatched.pick')}</VacantPanel>;
  const { exams, isSearch, isPending, error } = orders;
  return (
    <SidePanel label={t('unmatched.candidates')}>
      <PanelHead title={personName(row.patient.name) || t('field.unknown')} note={row.reason && t(`unmatched.reason.${row.reason}`)}>
        <Button variant="default" onClick={() => onOpen(row)}>{t('worklist.open')}</Button>
      </PanelHead>
      <TextInput
        className={css.find ?? ''} aria-label={t('unmatched.find')} placeholder={t('unmatched.find')} value={orders.typed} autoComplete="off" spellCheck={false}
        onChange={(event) => orders.setTyped(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Enter' && !event.nativeEvent.isComposing && event.currentTarget.blur()}
      />
      {exams.length > 0 && (
        <TextInput aria-label={t('unmatched.because')} placeholder={t('unmatched.because')} value={reason} error={faultOf(failure, 'reason')} onChange={(event) => onReason(event.currentTarget.value)} />
      )}
      <h3>{t(isSearch ? 'unmatched.found' : 'unmatched.candidates')}</h3>
      {isPending && <Loading />}
      {error && <LoadFailed error={error} onRetry={orders.retry} />}
      {!isPending && !error && exams.length === 0 && <p className={css.dim}>{t(isSearch ? 'unmatched.notFound' : 'unmatched.noCandidates')}</p>}
      {exams.map((exam, index) => <Candidate key={exam.examId} row={row} exam={exam} digit={index + 1} busy={busy} onLink={() => onLink(row, exam)} />)}
    </SidePanel>
  );
}

function Candidate({ row, exam, digit, busy, onLink }: { row: Unmatched; exam: Exam; digit: number; busy: boolean; onLink: () => void }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const lines: [string, string, string][] = [
    [t('field.patient'), personName(row.patient.name), personName(exam.patient.name)],
    [t('field.patientId'), row.patient.id, exam.patient.id],
    [t('field.birthYear'), short(row.patient), short(exam.patient)],
    [t('field.accession'), row.accessionNumber ?? '', exam.accessionNumber],
    [t('field.modality'), mainModalities(row.modalities), exam.modality],
    [t('field.date'), day(row.studyDate), instant(exam.scheduledAt)],
    [t('field.facility'), row.facility, exam.facility],
  ];
  return (
    <section className={css.candidate}>
      <header>
        <span><b>{exam.procedure.name}</b> <ExamLabel label={exam.label} /> <Flags flags={exam.flags} /></span>
        <Button disabled={busy} onClick={onLink} rightSection={digit < 10 && <kbd>{digit}</kbd>}>{t('unmatched.link')}</Button>
      </header>
      <table>
        <thead><tr><th /><th>{t('unmatched.images')}</th><th>{t('unmatched.order')}</th><th /></tr></thead>
        <tbody>
          {lines.map(([name, images, order]) => {
            const same = fold(images) === fold(order) || (images !== '' && fold(order).startsWith(fold(images)));
            return (
              <tr key={name} data-differs={!same || undefined}>
                <th>{name}</th><td>{images || '–'}</td><td>{order || '–'}</td><td>{same ? t('unmatched.same') : t('unmatched.differs')}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
