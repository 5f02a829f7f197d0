import { SegmentedControl } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { server } from '~/api/server';
import { queueParts, type Queue, type QueuePart, type Transfer } from '~/api/transferTypes';
import { viewerPath } from '~/app/paths';
import { personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { useSteadyRows } from '~/live/useSteadyRows';
import { DataGrid } from '~/ui/DataGrid';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { UndoBar } from '~/ui/UndoBar';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { allowedOn, queueActs } from './acts';
import { ProgressBar, StateWord, useQueueColumns } from './columns';
import { TransferTabs } from './TransferTabs';
import { TransferDetails } from './TransferDetails';
import { useQueueActs } from './useQueueActs';
import { useTransferWords } from './useTransferWords';
import css from './QueuePage.module.css';

/** A queue under way changes all the time, and costs one query by index to look at. */
const lookEveryMs = 2000;
const none: readonly Transfer[] = [];
const rowKey = (row: Transfer): string => String(row.id);

/** Hàng gửi: what goes to other systems and comes from them, how far it is, and why it does not go on. */
export function QueuePage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const phone = usePhone();
  const [show, setShow] = useState<QueuePart>('open');
  const [selected, setSelected] = useState<string | null>(null);
  const query = useQuery({ queryKey: ['queue', show], queryFn: ({ signal }) => server.queue(show, signal), staleTime: 0, refetchInterval: lookEveryMs });
  const { rows, fresh, show: showAll, hold } = useSteadyRows(show, query.data?.items ?? none, rowKey);
  const counts = useCounts(query.data, query.dataUpdatedAt);
  const acts = useQueueActs(() => {
    // Whoever did something sees what became of it.
    showAll();
    return client.invalidateQueries({ queryKey: ['queue'] });
  });
  const { run, busy } = acts;
  const columns = useQueueColumns(busy, run);
  const shown = rows.find((row) => rowKey(row) === selected);
  const select = useCallback((row: Transfer) => setSelected(rowKey(row)), []);
  const open = useCallback((row: Transfer) => row.study && void navigate(viewerPath(row.studyUid)), [navigate]);
  const onDigit = (row: Transfer, digit: number): void => {
    const act = queueActs[digit - 1];
    if (act && !busy && allowedOn(row).includes(act)) run(row, act);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => setSelected(null), onDigit });
  useQueueKeys();
  useEffect(() => {
    document.title = `${t('nav.queue')} · Sen`;
  }, [t]);
  const label = (part: QueuePart): string => {
    const count = part === 'ended' ? 0 : counts[part];
    return count ? `${t(`queue.show.${part}`)} (${count})` : t(`queue.show.${part}`);
  };
  return (
    <div className={ui.page}>
      <TransferTabs />
      <div className={ui.bar}>
        <SegmentedControl aria-label={t('queue.title')} value={show} onChange={(value) => setShow(value as QueuePart)} data={queueParts.map((value) => ({ value, label: label(value) }))} />
      </div>
      <FreshBar count={fresh} inPlace={show === 'open'} onShow={showAll} />
      {query.isPending ? <Loading />
        : query.isError && !query.data ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t(`queue.empty.${show}`)} hint={t('queue.emptyHint')} />
            : (
              <div className={css.main}>
                <div className={ui.page} {...hold}>
                  <DataGrid label={t('queue.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open} narrow={phone ? (row) => <NarrowRow row={row} /> : undefined} />
                </div>
                {shown && <TransferDetails row={shown} busy={busy} onAct={phone ? run : null} onClose={() => setSelected(null)} />}
              </div>
            )}
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

/** How much there is of what matters, as the newest answer has it: every part says it of all. */
function useCounts(answer: Queue | undefined, at: number): Pick<Queue, 'open' | 'failed'> {
  const [known, setKnown] = useState({ at: 0, open: 0, failed: 0 });
  if (!answer || at <= known.at) return known;
  const now = { at, open: answer.open, failed: answer.failed };
  setKnown(now);
  return now;
}

/** The keys of this page, for the sheet. */
function useQueueKeys(): void {
  const { t } = useTranslation();
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    { title: t('keys.acts'), lines: [...queueActs.map((act, index) => ({ caps: [String(index + 1)], what: t(`queue.act.${act}`) })), { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
}

/** A row on a phone: who and how far on the first line, where and why on the second. */
function NarrowRow({ row }: { row: Transfer }) {
  const { place, note } = useTransferWords();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{row.study && personName(row.study.patient.name)}</span><span className={css.far}><ProgressBar row={row} /></span></div>
      <div><StateWord row={row} /><span className={`cut ${css.dim}`}>{[place(row), note(row)].filter(Boolean).join(' · ')}</span></div>
    </div>
  );
}
