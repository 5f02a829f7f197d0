import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Act, Exam } from '~/api/types';
import { timeOf } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { RowActs } from './RowActs';
import css from './WorklistPage.module.css';
import { usePlaceOf } from './usePlaceOf';

interface Props {
  exams: readonly Exam[];
  selected: string | null;
  /** The exam whose act is on its way. */
  busy: number | null;
  /** The act whose reason is being typed. */
  asking: { examId: number; act: Act } | null;
  onAsk: (exam: Exam, act: Act | null) => void;
  onSelect: (exam: Exam) => void;
  onOpen: (exam: Exam) => void;
  onAct: (exam: Exam, act: Act, reason?: string) => void;
}

/** The rows of the worklist: state, patient, procedure, place, time, and the acts that are allowed now. */
export function ExamGrid({ exams, selected, busy, asking, onAsk, onSelect, onOpen, onAct }: Props) {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const placeOf = usePlaceOf();
  const phone = usePhone();
  const columns = useMemo((): Column<Exam>[] => [
    { id: 'time', title: t('field.time'), width: '40px', cell: (exam) => timeOf(exam.scheduledAt) },
    { id: 'label', title: t('field.label'), width: '108px', cell: (exam) => <ExamLabel label={exam.label} /> },
    { id: 'name', title: t('field.patient'), width: 'minmax(172px, 1fr)', cell: (exam) => <span className={`cut ${ui.strong}`}>{personName(exam.patient.name)}</span> },
    { id: 'born', title: t('field.birthYear'), width: '54px', cell: (exam) => birthYear(exam.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '46px', cell: (exam) => sex(exam.patient) },
    { id: 'id', title: t('field.patientId'), width: '92px', cell: (exam) => <span className="cut">{exam.patient.id}</span> },
    { id: 'accession', title: t('field.accession'), width: '92px', cell: (exam) => <span className="cut">{exam.accessionNumber}</span> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (exam) => <span className={ui.modality}>{exam.modality}</span> },
    { id: 'procedure', title: t('field.procedure'), width: 'minmax(150px, 1.5fr)', cell: (exam) => <ProcedureCell exam={exam} /> },
    { id: 'room', title: t('field.room'), width: '112px', cell: (exam) => <span className="cut" title={exam.stationAe ?? ''}>{placeOf(exam)}</span> },
    { id: 'images', title: t('field.images'), width: '44px', end: true, cell: (exam) => <Images exam={exam} onOpen={onOpen} /> },
    { id: 'acts', title: t('worklist.acts'), width: '222px', cell: (exam) => <RowActs exam={exam} busy={busy === exam.examId} asking={asking?.examId === exam.examId ? asking.act : null} onAsk={onAsk} onAct={onAct} /> },
  ], [t, sex, busy, asking, onAsk, onAct, onOpen, placeOf]);
  return (
    <DataGrid
      label={t('nav.worklist')} columns={columns} rows={exams} rowKey={(exam) => String(exam.examId)} selected={selected}
      onSelect={onSelect} onOpen={onOpen} dimmed={(exam) => exam.label === 'cancelled' || exam.label === 'discontinued'}
      narrow={phone ? (exam) => <NarrowRow exam={exam} /> : undefined}
    />
  );
}

/** A row on a phone: when and who on the first line, state and procedure on the second; its acts are with its details. */
function NarrowRow({ exam }: { exam: Exam }) {
  const { short } = usePatientWords();
  return (
    <div className={ui.twoLines}>
      <div><span>{timeOf(exam.scheduledAt)}</span><span className={`${css.cut} ${ui.strong}`}>{personName(exam.patient.name)}</span><span className={css.far}>{short(exam.patient)}</span></div>
      <div><ExamLabel label={exam.label} /><Flags flags={exam.flags} /><span className={`${css.cut} ${css.dim}`}>{exam.modality} · {exam.procedure.name}</span></div>
    </div>
  );
}

/** What is to be done, after whatever is urgent about it; where the exam was put back or ended early, why. */
function ProcedureCell({ exam: { flags, procedure, actReason } }: { exam: Exam }) {
  return (
    <>
      <Flags flags={flags} />
      <span className="cut" title={[procedure.name, actReason].filter(Boolean).join(' · ')}>
        {procedure.name}{actReason && <span className={css.dim}> · {actReason}</span>}
      </span>
    </>
  );
}

/** How many images there are, which is also the way to them. */
function Images({ exam, onOpen }: { exam: Exam; onOpen: (exam: Exam) => void }) {
  const { t } = useTranslation();
  if (exam.instanceCount === 0 || !exam.studyUid) return null;
  return <button type="button" tabIndex={-1} className={css.count} title={`${t('worklist.open')} (Enter)`} onClick={() => onOpen(exam)}>{exam.instanceCount}</button>;
}
