import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import type { Transfer } from '~/api/transferTypes';
import { day, instant } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import type { Column } from '~/ui/DataGrid';
import { Standing } from '~/ui/Standing';
import { usePatientWords } from '~/ui/usePatientWords';
import ui from '~/ui/ui.module.css';
import { allowedOn, queueActs, type QueueAct } from './acts';
import { useTransferWords } from './useTransferWords';
import css from './QueuePage.module.css';

/** Where a transfer stands. */
export function StateWord({ row }: { row: Transfer }) {
  const { t } = useTranslation();
  const { state } = useTransferWords();
  return (
    <Standing state={row.state}>
      {state(row)}
      {row.priority !== 'normal' && (row.state === 'waiting' || row.state === 'running') && <span className={ui.flag}>{t(`queue.priority.${row.priority}`)}</span>}
    </Standing>
  );
}

/** How many images have arrived, as a bar and in figures. */
export function ProgressBar({ row: { total, moved, failed, state } }: { row: Transfer }) {
  const { t } = useTranslation();
  if (total === null) return <span className={css.dim}>{state === 'running' ? t('queue.uncounted') : '–'}</span>;
  const share = total === 0 ? 0 : Math.round((100 * moved) / total);
  return (
    <span className={css.progress} title={failed > 0 ? t('queue.missing', { count: failed }) : undefined}>
      <span className={css.track}><span style={{ width: `${share}%` }} /></span>
      <span className={css.figures}>{moved}/{total}</span>
    </span>
  );
}

/** What may be done to a row, on the row. */
export function QueueRowActs({ row, busy, onAct }: { row: Transfer; busy: boolean; onAct: (row: Transfer, act: QueueAct) => void }) {
  const { t } = useTranslation();
  const still = (event: React.MouseEvent): void => event.stopPropagation();
  return (
    <span className={ui.rowActs} onClick={still} onDoubleClick={still}>
      {allowedOn(row).map((act) => (
        <button key={act} type="button" tabIndex={-1} disabled={busy} title={`${t(`queue.act.${act}`)} (${queueActs.indexOf(act) + 1})`} onClick={() => onAct(row, act)}>
          {t(`queue.act.${act}`)}
        </button>
      ))}
    </span>
  );
}

/** The columns of the queue. */
export function useQueueColumns(busy: boolean, onAct: (row: Transfer, act: QueueAct) => void): Column<Transfer>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const { place, note, long } = useTransferWords();
  return useMemo((): Column<Transfer>[] => [
    { id: 'state', title: t('field.label'), width: '132px', cell: (row) => <StateWord row={row} /> },
    { id: 'place', title: t('queue.place'), width: '112px', cell: (row) => <span className="cut">{place(row)}</span> },
    { id: 'name', title: t('field.patient'), width: 'minmax(110px, 1fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{row.study ? personName(row.study.patient.name) || t('field.unknown') : ''}</span> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (row) => birthYear(row.study?.patient.birthDate ?? null) },
    { id: 'sex', title: t('field.sex'), width: '48px', cell: (row) => (row.study ? sex(row.study.patient) : '') },
    { id: 'id', title: t('field.patientId'), width: '88px', cell: (row) => <span className="cut">{row.study?.patient.id}</span> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (row) => <span className={ui.modality}>{mainModalities(row.study?.modalities ?? [])}</span> },
    { id: 'date', title: t('field.date'), width: '82px', cell: (row) => day(row.study?.studyDate) },
    { id: 'progress', title: t('queue.progress'), width: '112px', cell: (row) => <ProgressBar row={row} /> },
    { id: 'note', title: t('queue.note'), width: 'minmax(96px, 1fr)', cell: (row) => <span className="cut" title={long(row)}>{note(row)}</span> },
    { id: 'at', title: t('queue.changed'), width: '112px', cell: (row) => instant(row.updatedAt) },
    { id: 'acts', title: t('queue.acts'), width: '204px', cell: (row) => <QueueRowActs row={row} busy={busy} onAct={onAct} /> },
  ], [t, sex, place, note, long, busy, onAct]);
}
