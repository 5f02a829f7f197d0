import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import type { ArchiveKeys, RemoteStudy } from '~/api/transferTypes';
import { viewerPath } from '~/app/paths';
import { day } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { TransferTabs } from '~/pages/queue/TransferTabs';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { UndoBar } from '~/ui/UndoBar';
import { usePhone } from '~/ui/usePhone';
import { useWhy } from '~/ui/useWhy';
import { usePatientWords } from '~/ui/usePatientWords';
import ui from '~/ui/ui.module.css';
import { QueryForm } from './QueryForm';
import { isWhole, useArchiveAnswer, usePull } from './useArchive';
import css from './ArchivesPage.module.css';

const nothing: ArchiveKeys = { patientId: null, patientName: null, accessionNumber: null, modality: null, from: null, to: null };
const none: readonly RemoteStudy[] = [];
const rowKey = (row: RemoteStudy): string => row.studyUid;

/** Hỏi PACS khác: what another archive has of a patient, and having it sent here. */
export function ArchivesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [archive, setArchive] = useState<string | null>(null);
  const [keys, setKeys] = useState(nothing);
  const [selected, setSelected] = useState<string | null>(null);
  const asked = useArchiveAnswer();
  const pulling = usePull(asked.archive, asked.watch);
  const rows = asked.answer?.items ?? none;
  const change = useCallback((part: Partial<ArchiveKeys>) => setKeys((before) => ({ ...before, ...part })), []);
  const select = useCallback((row: RemoteStudy) => setSelected(rowKey(row)), []);
  const open = useCallback((row: RemoteStudy) => row.hereCount > 0 && void navigate(viewerPath(row.studyUid)), [navigate]);
  const onDigit = (row: RemoteStudy, digit: number): void => {
    if (digit === 1 && !pulling.busy && !isWhole(row)) pulling.pull(row);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => setSelected(null), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    { title: t('keys.acts'), lines: [{ caps: ['1'], what: t('archives.pull') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  const columns = useColumns(pulling.busy, pulling.pull);
  useEffect(() => {
    document.title = `${t('queue.pages.archives')} · Sen`;
  }, [t]);
  const ask = (): void => {
    if (archive === null) return;
    setSelected(null);
    asked.ask(archive, keys);
  };
  const phone = usePhone();
  const { brief, more } = useWhy('transfer');
  const { answer } = asked;
  return (
    <div className={ui.page}>
      <TransferTabs />
      <QueryForm keys={keys} archive={archive} busy={asked.busy} onArchive={setArchive} onKeys={change} onAsk={ask} />
      {asked.error ? <LoadFailed error={asked.error} onRetry={ask} />
        : asked.busy ? <Loading />
          : !answer ? <Empty title={t('archives.start')} hint={t('archives.startHint')} />
            : answer.error ? <Empty title={brief(answer.error)} hint={more(answer.error)} />
              : rows.length === 0 ? <Empty title={t('archives.empty')} hint={t('archives.emptyHint')} />
                : (
                  <DataGrid
                    label={t('queue.pages.archives')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open}
                    narrow={phone ? (row) => <NarrowRow row={row} busy={pulling.busy} onPull={pulling.pull} /> : undefined} footer={answer.more ? t('archives.more') : null}
                  />
                )}
      <UndoBar done={pulling.done} onClose={pulling.close} />
    </div>
  );
}

function Here({ row }: { row: RemoteStudy }) {
  const { t } = useTranslation();
  if (row.hereCount === 0) return <span className={css.dim}>{t('archives.notHere')}</span>;
  if (isWhole(row)) return <span>{t('archives.here')}</span>;
  return <span>{t('archives.partly', { here: row.hereCount, there: row.instanceCount ?? '?' })}</span>;
}

function PullAct({ row, busy, onPull }: RowProps) {
  const { t } = useTranslation();
  if (isWhole(row)) return null;
  return (
    <span className={ui.rowActs} onClick={(event) => event.stopPropagation()}>
      <button type="button" tabIndex={-1} disabled={busy} title={`${t('archives.pull')} (1)`} onClick={() => onPull(row)}>{t('archives.pull')}</button>
    </span>
  );
}

interface RowProps {
  row: RemoteStudy;
  busy: boolean;
  onPull: (row: RemoteStudy) => void;
}

/** A row on a phone: who on the first line; what, how much of it is here and the way to have it on the second. */
function NarrowRow(props: RowProps) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const { patient, studyDate, modalities, description } = props.row;
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{personName(patient.name) || t('field.unknown')}</span><span className={ui.far}>{[patient.id, short(patient)].filter(Boolean).join(' · ')}</span></div>
      <div><span className={`cut ${ui.dim}`}>{[day(studyDate), mainModalities(modalities), description].filter(Boolean).join(' · ')}</span><span className={ui.far}><Here row={props.row} /></span><PullAct {...props} /></div>
    </div>
  );
}

function useColumns(busy: boolean, onPull: (row: RemoteStudy) => void): Column<RemoteStudy>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  return useMemo((): Column<RemoteStudy>[] => [
    { id: 'date', title: t('field.date'), width: '88px', cell: (row) => day(row.studyDate) },
    { id: 'name', title: t('field.patient'), width: 'minmax(130px, 1fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{personName(row.patient.name) || t('field.unknown')}</span> },
    { id: 'born', title: t('field.birthYear'), width: '60px', cell: (row) => birthYear(row.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '46px', cell: (row) => sex(row.patient) },
    { id: 'id', title: t('field.patientId'), width: '110px', cell: (row) => <span className="cut">{row.patient.id}</span> },
    { id: 'modality', title: t('field.modality'), width: '66px', cell: (row) => <span className={ui.modality}>{mainModalities(row.modalities)}</span> },
    { id: 'description', title: t('field.description'), width: 'minmax(120px, 1fr)', cell: (row) => <span className="cut">{row.description}</span> },
    { id: 'accession', title: t('field.accession'), width: '110px', cell: (row) => <span className="cut">{row.accessionNumber}</span> },
    { id: 'images', title: t('field.images'), width: '52px', end: true, cell: (row) => row.instanceCount },
    { id: 'here', title: t('archives.hereTitle'), width: '120px', cell: (row) => <Here row={row} /> },
    {
      id: 'acts', title: t('queue.acts'), width: '96px', cell: (row) => <PullAct row={row} busy={busy} onPull={onPull} />,
    },
  ], [t, sex, busy, onPull]);
}
