import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import { server } from '~/api/server';
import type { Study } from '~/api/types';
import { viewerPath } from '~/app/paths';
import { dayAndClock } from '~/format/dates';
import { personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { useChanges } from '~/live/changes';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { SidePanel, Split } from '~/ui/SidePanel';
import { UndoBar } from '~/ui/UndoBar';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { Mergers } from './Mergers';
import { Numbers } from './Numbers';
import { RecordHistory } from './RecordHistory';
import { useRecordActs } from './useRecordActs';
import css from './RecordPage.module.css';

const rowKey = (study: Study): string => study.studyUid;

/** Hồ sơ hình ảnh: one patient's time line whatever numbers it was made under, with mergers and their undoing. */
export function RecordPage() {
  const { t } = useTranslation();
  const { recordId = '' } = useParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [selected, setSelected] = useState<string | null>(null);
  const key = useMemo(() => ['record', recordId] as const, [recordId]);
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => server.record(Number(recordId), signal), staleTime: 0 });
  // Whose images are whose says every single study too, with the patient's others beside it.
  const refresh = useCallback(() => Promise.all([key, ['study']].map((queryKey) => client.invalidateQueries({ queryKey }))), [client, key]);
  useChanges(['patient.changed', 'exam.changed'], () => void refresh());
  const acts = useRecordActs(refresh);
  const columns = useColumns();
  const phone = usePhone();

  const rows = query.data?.studies ?? none;
  const open = useCallback((study: Study) => void navigate(viewerPath(study.studyUid)), [navigate]);
  useListKeys({ rows, rowKey, selected, onSelect: (study) => setSelected(study.studyUid), onOpen: open, onClearSearch: () => setSelected(null) });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: [...listKeyLines(t, t('worklist.open')), { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('record.title')} · Sen`;
  }, [t]);
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <LoadFailed error={query.error} onRetry={() => void query.refetch()} />;
  const record = query.data;
  return (
    <div className={ui.page}>
      <Split>
        <section className={css.list}>
          <Head name={personName(record.patient.name) || t('field.unknown')} patient={record.patient} count={rows.length} />
          {rows.length === 0 ? <Empty title={t('record.none')} hint={t('record.noneHint')} /> : (
            <DataGrid
              label={t('record.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={(study) => setSelected(study.studyUid)} onOpen={open}
              narrow={phone ? (study) => <NarrowRow study={study} /> : undefined}
            />
          )}
        </section>
        <SidePanel narrow label={t('record.numbers')}>
          <div className={css.sections}>
            <Numbers record={record} acts={acts} />
            <Mergers record={record} acts={acts} />
            {record.mayReconcile && <RecordHistory acts={record.acts} />}
          </div>
        </SidePanel>
      </Split>
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

const none: readonly Study[] = [];

function Head({ name, patient, count }: { name: string; patient: Study['patient']; count: number }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  return (
    <header className={css.head}>
      <h1>{name}</h1>
      <span>{[short(patient), patient.id, patient.issuer].filter(Boolean).join(' · ')}</span>
      <span className={css.count}>{t('record.studies', { count })}</span>
    </header>
  );
}

function NarrowRow({ study }: { study: Study }) {
  return (
    <div className={ui.twoLines}>
      <div><span className={ui.modality}>{mainModalities(study.modalities)}</span><span className={`cut ${ui.strong}`}>{study.description}</span></div>
      <div className={css.dim}><span>{dayAndClock(study.studyDate, study.studyTime)}</span><span className="cut">{study.patient.id} · {study.facility}</span></div>
    </div>
  );
}

function useColumns(): Column<Study>[] {
  const { t } = useTranslation();
  const { age } = usePatientWords();
  return useMemo((): Column<Study>[] => [
    { id: 'date', title: t('field.date'), width: '110px', cell: (study) => dayAndClock(study.studyDate, study.studyTime) },
    { id: 'modality', title: t('field.modality'), width: '56px', cell: (study) => <span className={ui.modality}>{mainModalities(study.modalities)}</span> },
    { id: 'description', title: t('field.description'), width: 'minmax(176px, 1.6fr)', cell: (study) => <><span className={`cut ${ui.strong}`}>{study.description}</span><Flags flags={study.flags.filter((flag) => flag !== 'unmatched')} /></> },
    { id: 'name', title: t('record.sentAs'), width: 'minmax(110px, 1fr)', cell: (study) => <span className="cut">{personName(study.patient.name)}</span> },
    { id: 'id', title: t('field.patientId'), width: '104px', cell: (study) => <span className="cut">{study.patient.id}</span> },
    { id: 'age', title: t('record.age'), width: '60px', cell: (study) => age(study.patient, study.studyDate) },
    { id: 'accession', title: t('field.accession'), width: '88px', cell: (study) => <span className="cut">{study.accessionNumber}</span> },
    { id: 'facility', title: t('field.facility'), width: '56px', cell: (study) => <span className="cut">{study.facility}</span> },
    { id: 'images', title: t('field.images'), width: '42px', end: true, cell: (study) => study.instanceCount },
    { id: 'label', title: t('field.label'), width: '112px', cell: (study) => (study.label ? <ExamLabel label={study.label} /> : study.flags.includes('unmatched') && <span className={`cut ${css.dim}`}>{t('exam.flag.unmatched')}</span>) },
  ], [t, age]);
}
