import { Button } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { server } from '~/api/server';
import type { RejectedStudy } from '~/api/correctionTypes';
import { correctionsPath } from '~/app/paths';
import { dayAndClock, instant } from '~/format/dates';
import { actorName, birthYear, personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { useLivePages } from '~/live/useLivePages';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { ReasonInput } from '~/ui/ReasonInput';
import { UndoBar } from '~/ui/UndoBar';
import { useFault } from '~/ui/useFault';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { UnmatchedTabs } from './UnmatchedTabs';
import { useRestoring } from './useRestoring';
import css from './UnmatchedPage.module.css';

const rowKey = (row: RejectedStudy): string => row.studyUid;

/** Ảnh đã loại: exams of which something is rejected, also those of which nothing is left to be shown, and the way back. */
export function RejectedPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const phone = usePhone();
  const [selected, setSelected] = useState<string | null>(null);
  /** The row that is being asked about: why it is restored. */
  const [asking, setAsking] = useState<string | null>(null);
  /** Where that is typed. */
  const box = useRef<HTMLInputElement>(null);
  const faultOf = useFault();
  const { query, rows, fresh, refresh } = useLivePages({ key: ['rejections'], page: server.rejections, rowKey, events: ['study.changed'] });
  const { restore, busy, failureOf, done, close } = useRestoring(refresh);
  // Somebody else has restored it. Should it come back, it is not to take the keys from whatever is done by then.
  if (asking !== null && !query.isPending && !rows.some((row) => rowKey(row) === asking)) setAsking(null);
  const select = useCallback((row: RejectedStudy) => setSelected(rowKey(row)), []);
  const open = useCallback((row: RejectedStudy) => void navigate(correctionsPath(row.studyUid), { state: { part: 'reject' } }), [navigate]);
  const ask = (row: RejectedStudy): void => {
    setSelected(rowKey(row));
    setAsking(rowKey(row));
    // It may be there already, left with what was typed.
    box.current?.focus();
  };
  const onDigit = (row: RejectedStudy, digit: number): void => {
    if (digit === 1 && !busy) ask(row);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => (asking === null ? setSelected(null) : setAsking(null)), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('rejected.open')) },
    { title: t('keys.acts'), lines: [{ caps: ['1'], what: t('rejected.restore') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('rejected.title')} · Sen`;
  }, [t]);
  const act = (row: RejectedStudy): ReactNode => (asking === rowKey(row) ? (
    <span className={css.because}>
      <ReasonInput
        ref={box} label={t('corrections.reject.because')} placeholder={t('rejected.because')} fault={faultOf(failureOf(rowKey(row)), 'reason')}
        onReason={(reason) => !busy && restore(row, reason, () => setAsking(null))} onLeave={() => setAsking(null)}
      />
    </span>
  ) : (
    <span className={ui.rowActs} onClick={(event) => event.stopPropagation()}>
      <button type="button" tabIndex={-1} disabled={busy} title={`${t('rejected.restore')} (1)`} onClick={() => ask(row)}>{t('rejected.restore')}</button>
    </span>
  ));
  const columns = useColumns(act);
  return (
    <div className={ui.page}>
      <UnmatchedTabs />
      <FreshBar count={fresh} onShow={() => void refresh()} />
      {query.isPending ? <Loading />
        : query.isError && rows.length === 0 ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t('rejected.empty')} hint={t('rejected.emptyHint')} />
            : (
              <DataGrid
                label={t('rejected.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open}
                narrow={phone ? (row) => <NarrowRow row={row} act={act(row)} /> : undefined}
                footer={query.hasNextPage && <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('unmatched.more')}</Button>}
              />
            )}
      <UndoBar done={done} onClose={close} />
    </div>
  );
}

/** How much of an exam is rejected, and how much is left. */
function useHowMuch(): (row: RejectedStudy) => string {
  const { t } = useTranslation();
  return ({ rejectedCount, instanceCount }) => (instanceCount === 0 ? t('rejected.whole', { count: rejectedCount }) : t('rejected.part', { count: rejectedCount, left: instanceCount }));
}

/** A row on a phone: of whom on the first line; how much, why and the way back on the second. */
function NarrowRow({ row, act }: { row: RejectedStudy; act: ReactNode }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const howMuch = useHowMuch();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{personName(row.patient.name) || t('field.unknown')}</span><span className={ui.far}>{[row.patient.id, short(row.patient)].filter(Boolean).join(' · ')}</span></div>
      <div><span className={`cut ${ui.dim}`}>{[howMuch(row), row.rejected.code && t(`corrections.rejection.${row.rejected.code}`)].filter(Boolean).join(' · ')}</span><span className={ui.far}>{act}</span></div>
    </div>
  );
}

function useColumns(act: (row: RejectedStudy) => ReactNode): Column<RejectedStudy>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const howMuch = useHowMuch();
  return [
    { id: 'at', title: t('rejected.at'), width: '110px', cell: (row) => instant(row.rejected.at) },
    { id: 'name', title: t('field.patient'), width: 'minmax(120px, 1fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{personName(row.patient.name) || t('field.unknown')}</span> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (row) => birthYear(row.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '46px', cell: (row) => sex(row.patient) },
    { id: 'id', title: t('field.patientId'), width: '104px', cell: (row) => <span className="cut">{row.patient.id}</span> },
    { id: 'accession', title: t('field.accession'), width: '92px', cell: (row) => <span className="cut">{row.accessionNumber}</span> },
    { id: 'date', title: t('field.date'), width: '110px', cell: (row) => dayAndClock(row.studyDate, row.studyTime) },
    { id: 'count', title: t('rejected.count'), width: '100px', cell: (row) => <span className="cut">{howMuch(row)}</span> },
    { id: 'why', title: t('rejected.why'), width: 'minmax(150px, 1.4fr)', cell: (row) => <span className="cut">{row.rejected.code && t(`corrections.rejection.${row.rejected.code}`)}</span> },
    { id: 'by', title: t('rejected.by'), width: 'minmax(80px, 0.6fr)', cell: (row) => <span className="cut">{actorName(row.rejected.by)}</span> },
    { id: 'acts', title: t('worklist.acts'), width: '96px', cell: act },
  ];
}
