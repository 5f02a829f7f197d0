import { Button, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import type { Exam, Unmatched } from '~/api/types';
import { day, instant } from '~/format/dates';
import { fold } from '~/format/fold';
import { personName } from '~/format/person';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { PanelHead, SidePanel, VacantPanel } from '~/ui/SidePanel';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './UnmatchedPage.module.css';

interface Props {
  row: Unmatched | null;
  busy: boolean;
  onLink: (row: Unmatched, exam: Exam, reason: string) => void;
  onOpen: (row: Unmatched) => void;
}

/** The orders that may belong to the images, compared line by line: what differs says so. */
export function Candidates({ row, busy, onLink, onOpen }: Props) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  useEffect(() => setReason(''), [row?.studyUid]);
  if (!row) return <VacantPanel>{t('unmatched.pick')}</VacantPanel>;
  return (
    <SidePanel label={t('unmatched.candidates')}>
      <PanelHead title={personName(row.patient.name) || t('field.unknown')} note={row.reason && t(`unmatched.reason.${row.reason}`)}>
        <Button variant="default" onClick={() => onOpen(row)}>{t('worklist.open')}</Button>
      </PanelHead>
      <h3>{t('unmatched.candidates')}</h3>
      {row.candidates.length === 0 && <p className={css.dim}>{t('unmatched.noCandidates')}</p>}
      {row.candidates.map((exam, index) => <Candidate key={exam.examId} row={row} exam={exam} digit={index + 1} busy={busy} onLink={() => onLink(row, exam, reason)} />)}
      {row.candidates.length > 0 && (
        <TextInput label={t('unmatched.because')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      )}
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
