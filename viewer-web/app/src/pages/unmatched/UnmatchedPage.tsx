import { Button } from '@mantine/core';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import type { Exam, Unmatched } from '~/api/types';
import { viewerPath } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { instant } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { Split } from '~/ui/SidePanel';
import { UndoBar } from '~/ui/UndoBar';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { Candidates } from './Candidates';
import { UnmatchedTabs } from './UnmatchedTabs';
import { useLinking } from './useLinking';
import { useOrders } from './useOrders';
import { rowKey, useUnmatched } from './useUnmatched';
import css from './UnmatchedPage.module.css';

/** Ảnh chưa ghép: studies without their order, why, and the orders that may be theirs. */
export function UnmatchedPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [selected, setSelected] = useState<string | null>(null);
  const { query, rows, fresh, refresh } = useUnmatched();
  const linking = useLinking(refresh);
  const columns = useUnmatchedColumns();
  const phone = usePhone();
  const mayReject = offers(useSession().data?.user.role, 'rejectImages');
  const shown = rows.find((row) => row.studyUid === selected) ?? null;
  const orders = useOrders(shown);
  // Why, whether a key links or a click; a row of its own, like what was looked for.
  const [reason, setReason] = useState('');
  const { setTyped } = orders;
  useEffect(() => {
    setReason('');
    setTyped('');
  }, [shown?.studyUid, setTyped]);

  const select = useCallback((row: Unmatched) => setSelected(row.studyUid), []);
  const link = (row: Unmatched, exam: Exam): void => linking.link(row, exam, reason.trim());
  const onDigit = (row: Unmatched, digit: number): void => {
    const exam = orders.exams[digit - 1];
    if (exam && !linking.busy) link(row, exam);
  };
  const open = useCallback((row: Unmatched) => void navigate(viewerPath(row.studyUid)), [navigate]);
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => (orders.typed ? setTyped('') : setSelected(null)), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    { title: t('unmatched.candidates'), lines: [{ caps: ['1', '–', '9'], what: t('unmatched.link') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('nav.unmatched')} · Sen`;
  }, [t]);
  return (
    <div className={ui.page}>
      {mayReject && <UnmatchedTabs />}
      <FreshBar count={fresh} onShow={() => void refresh()} />
      {query.isPending ? <Loading />
        : query.isError && rows.length === 0 ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t('unmatched.empty')} hint={t('unmatched.emptyHint')} />
            : (
              <Split>
                <DataGrid
                  label={t('unmatched.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open}
                  narrow={phone ? (row) => <NarrowRow row={row} /> : undefined}
                  footer={query.hasNextPage && <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('unmatched.more')}</Button>}
                />
                <Candidates row={shown} orders={orders} busy={linking.busy} failure={shown && reason !== '' ? linking.failureOf(shown.studyUid) : null} reason={reason} onReason={setReason} onLink={link} onOpen={open} />
              </Split>
            )}
      <UndoBar done={linking.done} onClose={linking.close} />
    </div>
  );
}

function Why({ row: { reason } }: { row: Unmatched }) {
  const { t } = useTranslation();
  const why = reason ? t(`unmatched.reason.${reason}`) : '';
  return <span className="cut" title={why}>{why}</span>;
}

/** A row on a phone: who on the first line, what and why on the second. */
function NarrowRow({ row }: { row: Unmatched }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{personName(row.patient.name) || t('field.unknown')}</span><span className={css.far}>{[row.patient.id, short(row.patient)].join(' · ')}</span></div>
      <div className={css.dim}><span>{mainModalities(row.modalities)} · {row.accessionNumber}</span><Why row={row} /></div>
    </div>
  );
}

function useUnmatchedColumns(): Column<Unmatched>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  return useMemo((): Column<Unmatched>[] => [
    { id: 'received', title: t('field.received'), width: '110px', cell: (row) => instant(row.receivedAt) },
    { id: 'name', title: t('field.patient'), width: 'minmax(110px, 0.9fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{personName(row.patient.name) || t('field.unknown')}</span> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (row) => birthYear(row.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '46px', cell: (row) => sex(row.patient) },
    { id: 'id', title: t('field.patientId'), width: '104px', cell: (row) => <span className="cut">{row.patient.id}</span> },
    { id: 'accession', title: t('field.accession'), width: '92px', cell: (row) => <span className="cut">{row.accessionNumber}</span> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (row) => <span className={ui.modality}>{mainModalities(row.modalities)}</span> },
    { id: 'from', title: t('unmatched.from'), width: '80px', cell: (row) => <span className="cut">{row.callingAe}</span> },
    { id: 'images', title: t('field.images'), width: '44px', end: true, cell: (row) => row.instanceCount },
    { id: 'why', title: t('unmatched.why'), width: 'minmax(150px, 1.3fr)', cell: (row) => <Why row={row} /> },
  ], [t, sex]);
}
