import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Act, Exam } from '~/api/types';
import { timeOf } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { usePatientWords } from '~/ui/usePatientWords';
import ui from '~/ui/ui.module.css';
import { RowActs } from './RowActs';
import { usePlaceOf } from './usePlaceOf';

interface Props {
  exams: readonly Exam[];
  selected: string | null;
  /** The exam whose act is on its way. */
  busy: number | null;
  onSelect: (exam: Exam) => void;
  onOpen: (exam: Exam) => void;
  onAct: (exam: Exam, act: Act, reason?: string) => void;
}

/** The rows of the worklist: state, patient, procedure, place, time, and the acts that are allowed now. */
export function ExamGrid({ exams, selected, busy, onSelect, onOpen, onAct }: Props) {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const placeOf = usePlaceOf();
  const columns = useMemo((): Column<Exam>[] => [
    { id: 'time', title: t('field.time'), width: '44px', cell: (exam) => timeOf(exam.scheduledAt) },
    { id: 'label', title: t('field.label'), width: '118px', cell: (exam) => <ExamLabel label={exam.label} /> },
    { id: 'name', title: t('field.patient'), width: 'minmax(205px, 1.2fr)', cell: (exam) => <><span className={`cut ${ui.strong}`}>{personName(exam.patient.name)}</span><Flags flags={exam.flags} /></> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (exam) => birthYear(exam.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '44px', cell: (exam) => sex(exam.patient) },
    { id: 'id', title: t('field.patientId'), width: '92px', cell: (exam) => <span className="cut">{exam.patient.id}</span> },
    { id: 'accession', title: t('field.accession'), width: '92px', cell: (exam) => <span className="cut">{exam.accessionNumber}</span> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (exam) => <span className={ui.modality}>{exam.modality}</span> },
    { id: 'procedure', title: t('field.procedure'), width: 'minmax(130px, 1.2fr)', cell: (exam) => <span className="cut" title={exam.procedure.name}>{exam.procedure.name}</span> },
    { id: 'room', title: t('field.room'), width: '100px', cell: (exam) => <span className="cut" title={exam.stationAe ?? ''}>{placeOf(exam)}</span> },
    { id: 'images', title: t('field.images'), width: '44px', end: true, cell: (exam) => exam.instanceCount || '' },
    { id: 'acts', title: t('worklist.acts'), width: '208px', cell: (exam) => <RowActs exam={exam} busy={busy === exam.examId} onAct={onAct} onOpen={onOpen} /> },
  ], [t, sex, busy, onAct, onOpen, placeOf]);
  return (
    <DataGrid
      label={t('nav.worklist')} columns={columns} rows={exams} rowKey={(exam) => String(exam.examId)} selected={selected}
      onSelect={onSelect} onOpen={onOpen} dimmed={(exam) => exam.label === 'cancelled' || exam.label === 'discontinued'}
    />
  );
}
