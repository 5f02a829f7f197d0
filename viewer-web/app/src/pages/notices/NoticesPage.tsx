import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import { server } from '~/api/server';
import { queueParts, type Notice, type QueuePart } from '~/api/transferTypes';
import { viewerPath } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { day, instant, timeOf } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { TransferTabs } from '~/pages/queue/TransferTabs';
import { useSteadyRows } from '~/live/useSteadyRows';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { Standing } from '~/ui/Standing';
import { UndoBar } from '~/ui/UndoBar';
import { usePhone } from '~/ui/usePhone';
import { useWhy } from '~/ui/useWhy';
import { WhyBar } from '~/ui/WhyBar';
import ui from '~/ui/ui.module.css';
import { isAllowed, noticeActs, useNoticeActs } from './useNoticeActs';

const lookEveryMs = 5000;
const none: readonly Notice[] = [];
const rowKey = (row: Notice): string => String(row.id);

/** Báo tin: what devices are told and asked beside images (MPPS, IAN, storage commitment), and what they did not take. */
export function NoticesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const phone = usePhone();
  const mayAct = offers(useSession().data?.user.role, 'manageDevices');
  const [show, setShow] = useState<QueuePart>('open');
  const [selected, setSelected] = useState<string | null>(null);
  const query = useQuery({ queryKey: ['notices', show], queryFn: ({ signal }) => server.notices(show, signal), staleTime: 0, refetchInterval: lookEveryMs });
  const { rows, fresh, show: showAll, hold } = useSteadyRows(show, query.data?.items ?? none, rowKey);
  const { run, busy, done, close } = useNoticeActs(() => {
    // Whoever did something sees what became of it.
    showAll();
    return query.refetch();
  });
  const chosen = rows.find((row) => rowKey(row) === selected);
  const select = useCallback((row: Notice) => setSelected(rowKey(row)), []);
  const open = useCallback((row: Notice) => row.studyUid && void navigate(viewerPath(row.studyUid)), [navigate]);
  const onDigit = (row: Notice, digit: number): void => {
    const act = noticeActs[digit - 1];
    if (act && mayAct && !busy && isAllowed(row, act)) run(row, act);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => setSelected(null), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    ...(mayAct ? [{ title: t('keys.acts'), lines: [...noticeActs.map((act, index) => ({ caps: [String(index + 1)], what: t(`queue.act.${act}`) })), { caps: ['Ctrl', 'Z'], what: t('action.undo') }] }] : []),
  ], [t, mayAct]));
  useEffect(() => {
    document.title = `${t('notices.title')} · Sen`;
  }, [t]);
  const rowActs = (row: Notice): ReactNode => mayAct && (
    <span className={ui.rowActs} onClick={(event) => event.stopPropagation()}>
      {noticeActs.map((act, at) => isAllowed(row, act) && (
        <button key={act} type="button" tabIndex={-1} disabled={busy} title={`${t(`queue.act.${act}`)} (${at + 1})`} onClick={() => run(row, act)}>{t(`queue.act.${act}`)}</button>
      ))}
    </span>
  );
  const columns = useColumns(rowActs);
  return (
    <div className={ui.page}>
      <TransferTabs />
      <div className={ui.bar}>
        <SegmentedControl aria-label={t('notices.title')} value={show} onChange={(value) => setShow(value as QueuePart)} data={queueParts.map((value) => ({ value, label: t(`notices.show.${value}`) }))} />
      </div>
      <FreshBar count={fresh} inPlace={show === 'open'} onShow={showAll} />
      {query.isPending ? <Loading />
        : query.isError && !query.data ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t(`notices.empty.${show}`)} hint={t('notices.emptyHint')} />
            : <div className={ui.page} {...hold}><DataGrid label={t('notices.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open} narrow={phone ? (row) => <NarrowRow row={row} acts={rowActs(row)} /> : undefined} /></div>}
      <WhyBar list="transfer" reason={chosen?.state === 'done' ? null : chosen?.error} />
      <UndoBar done={done} onClose={close} />
    </div>
  );
}

/** Why a notice waits or was given up, in a few words, and when it is tried again. */
function useTrouble(): (row: Notice) => string {
  const { t } = useTranslation();
  const { brief } = useWhy('transfer');
  return (row) => {
    if (!row.error || row.state === 'done') return '';
    const why = brief(row.error);
    return row.state === 'waiting' ? `${why} · ${t('queue.nextTry', { time: timeOf(row.dueAt) })}` : why;
  };
}

/** A row on a phone: to whom and of whom on the first line; what, why and what can be done on the second. */
function NarrowRow({ row, acts }: { row: Notice; acts: ReactNode }) {
  const { t } = useTranslation();
  const why = useTrouble();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{t(`notices.kind.${row.kind}`)}</span><span className={ui.far}>{row.device}</span></div>
      <div><Standing state={row.state}>{t(`notices.state.${row.state}`)}</Standing><span className={`cut ${ui.dim}`}>{[row.study && personName(row.study.patient.name), why(row)].filter(Boolean).join(' · ')}</span><span className={ui.far}>{acts}</span></div>
    </div>
  );
}

function useColumns(acts: (row: Notice) => ReactNode): Column<Notice>[] {
  const { t } = useTranslation();
  const why = useTrouble();
  return [
    { id: 'state', title: t('field.label'), width: '132px', cell: (row) => <Standing state={row.state}>{t(`notices.state.${row.state}`)}</Standing> },
    { id: 'kind', title: t('notices.what'), width: '172px', cell: (row) => <span className="cut">{t(`notices.kind.${row.kind}`)}</span> },
    { id: 'device', title: t('queue.place'), width: '112px', cell: (row) => <span className="cut">{row.device}</span> },
    { id: 'name', title: t('field.patient'), width: 'minmax(110px, 0.8fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{row.study ? personName(row.study.patient.name) || t('field.unknown') : ''}</span> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (row) => birthYear(row.study?.patient.birthDate ?? null) },
    { id: 'id', title: t('field.patientId'), width: '96px', cell: (row) => <span className="cut">{row.study?.patient.id}</span> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (row) => <span className={ui.modality}>{mainModalities(row.study?.modalities ?? [])}</span> },
    { id: 'date', title: t('field.date'), width: '82px', cell: (row) => day(row.study?.studyDate) },
    { id: 'why', title: t('queue.note'), width: 'minmax(120px, 1.6fr)', cell: (row) => <span className="cut" title={why(row)}>{why(row)}</span> },
    { id: 'at', title: t('queue.changed'), width: '112px', cell: (row) => instant(row.updatedAt) },
    { id: 'acts', title: t('queue.acts'), width: '110px', cell: acts },
  ];
}
