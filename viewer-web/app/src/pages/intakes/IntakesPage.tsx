import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Intake } from '~/api/keepingTypes';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { StorageTabs } from '~/pages/storage/StorageTabs';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { Split } from '~/ui/SidePanel';
import { Standing } from '~/ui/Standing';
import { UndoBar } from '~/ui/UndoBar';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { IntakePanel } from './IntakePanel';
import { intakeActs, isAllowed, useIntakeActs, type IntakeAct } from './useIntakeActs';
import { useIntakeWords } from './useIntakeWords';

/** What is under way gets on all the time, and costs one small query to look at. */
const lookEveryMs = 2000;
const none: readonly Intake[] = [];
const rowKey = (row: Intake): string => String(row.id);

/** Nhập kho cũ: imports of files and migrations from other PACS, how far they are, and what they could not take. */
export function IntakesPage() {
  const { t } = useTranslation();
  const phone = usePhone();
  const query = useQuery({ queryKey: ['intakes'], queryFn: ({ signal }) => server.intakes(signal), staleTime: 0, refetchInterval: lookEveryMs });
  const [selected, setSelected] = useState<string | null>(null);
  const { run, busy, done, close } = useIntakeActs(query.refetch);
  const rows = query.data?.items ?? none;
  const shown = rows.find((row) => rowKey(row) === selected);
  const select = useCallback((row: Intake) => setSelected(rowKey(row)), []);
  const onDigit = (row: Intake, digit: number): void => {
    const act = intakeActs[digit - 1];
    if (act && !busy && isAllowed(row, act)) run(row, act);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: select, onClearSearch: () => setSelected(null), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, null) },
    { title: t('keys.acts'), lines: [...intakeActs.map((act, index) => ({ caps: [String(index + 1)], what: t(`intakes.act.${act}`) })), { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('intakes.title')} · Sen`;
  }, [t]);
  const columns = useColumns(busy, run);
  return (
    <div className={ui.page}>
      <StorageTabs />
      {query.isPending ? <Loading />
        : query.isError && !query.data ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t('intakes.empty')} hint={t('intakes.emptyHint')} />
            : (
              <Split>
                <DataGrid label={t('intakes.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} narrow={phone ? (row) => <NarrowRow row={row} /> : undefined} />
                {shown && <IntakePanel row={shown} busy={busy} onAct={run} />}
              </Split>
            )}
      <UndoBar done={done} onClose={close} />
    </div>
  );
}

/** A row on a phone: from where and how much on the first line, how it stands on the second. */
function NarrowRow({ row }: { row: Intake }) {
  const { i18n } = useTranslation();
  const { state, standing, progress } = useIntakeWords();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{row.from.join(', ')}</span><span className={ui.far}>{new Intl.NumberFormat(i18n.language).format(row.taken)}</span></div>
      <div><Standing state={standing(row)}>{state(row)}</Standing><span className={`cut ${ui.dim}`}>{progress(row)}</span></div>
    </div>
  );
}

function useColumns(busy: boolean, onAct: (row: Intake, act: IntakeAct) => void): Column<Intake>[] {
  const { t, i18n } = useTranslation();
  const { state, standing, progress, long } = useIntakeWords();
  return useMemo((): Column<Intake>[] => {
    const figure = (count: number): string => new Intl.NumberFormat(i18n.language).format(count);
    return [
      { id: 'state', title: t('field.label'), width: '124px', cell: (row) => <Standing state={standing(row)}>{state(row)}</Standing> },
      { id: 'kind', title: t('intakes.what'), width: '112px', cell: (row) => t(`intakes.kind.${row.kind}`) },
      { id: 'from', title: t('intakes.from'), width: 'minmax(120px, 1fr)', cell: (row) => <span className={`cut ${ui.strong}`} title={row.from.join('\n')}>{row.from.join(', ')}</span> },
      { id: 'progress', title: t('intakes.progress'), width: 'minmax(120px, 1.4fr)', cell: (row) => <span className="cut" title={long(row)}>{progress(row)}</span> },
      { id: 'taken', title: t('intakes.taken'), width: '76px', end: true, cell: (row) => figure(row.taken) },
      { id: 'present', title: t('intakes.present'), width: '76px', end: true, cell: (row) => figure(row.present) },
      { id: 'failed', title: t('intakes.missing'), width: '66px', end: true, cell: (row) => <span className={row.failed > 0 ? ui.strong : ui.dim}>{figure(row.failed)}</span> },
      {
        id: 'acts', title: t('queue.acts'), width: '76px', cell: (row) => (
          <span className={ui.rowActs} onClick={(event) => event.stopPropagation()}>
            {intakeActs.map((act, at) => isAllowed(row, act) && (
              <button key={act} type="button" tabIndex={-1} disabled={busy} title={`${t(`intakes.act.${act}`)} (${at + 1})`} onClick={() => onAct(row, act)}>{t(`intakes.act.${act}`)}</button>
            ))}
          </span>
        ),
      },
    ];
  }, [t, i18n.language, state, standing, progress, long, busy, onAct]);
}
