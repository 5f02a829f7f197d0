import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Route } from '~/api/transferTypes';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { TransferTabs } from '~/pages/queue/TransferTabs';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { Split } from '~/ui/SidePanel';
import { UndoBar } from '~/ui/UndoBar';
import ui from '~/ui/ui.module.css';
import { usePhone } from '~/ui/usePhone';
import { RouteForm } from './RouteForm';
import { useRouteActs } from './useRouteActs';
import css from './RoutesPage.module.css';

const none: readonly Route[] = [];
const rowKey = (row: Route): string => row.name;
const blank: Route = { name: '', device: '', callingAe: [], modality: [], bodyPart: [], facility: [], hours: null, priority: 'normal', afterCorrections: false, isEnabled: true, source: 'rows' };

/** Quy tắc gửi: which images go to which device by themselves. */
export function RoutesPage() {
  const { t } = useTranslation();
  const mayEdit = offers(useSession().data?.user.role, 'manageDevices');
  const query = useQuery({ queryKey: ['routes'], queryFn: ({ signal }) => server.routes(signal), staleTime: 0 });
  const [selected, setSelected] = useState<string | null>(null);
  const [editing, setEditing] = useState<Route | null>(null);
  const acts = useRouteActs();
  const rows = query.data?.items ?? none;
  const select = useCallback((row: Route) => setSelected(row.name), []);
  const edit = useCallback((row: Route) => mayEdit && row.source === 'rows' && setEditing(row), [mayEdit]);
  const onDigit = (row: Route, digit: number): void => {
    if (!mayEdit || row.source === 'file' || acts.busy) return;
    if (digit === 1) acts.toggle(row);
    if (digit === 2) acts.remove(row);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: edit, onClearSearch: () => (editing ? setEditing(null) : setSelected(null)), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('routes.edit')) },
    { title: t('keys.acts'), lines: [{ caps: ['1'], what: t('routes.toggle') }, { caps: ['2'], what: t('routes.remove') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  const phone = usePhone();
  const rowActs = (row: Route): ReactNode => mayEdit && row.source === 'rows' && (
    <span className={ui.rowActs} onClick={(event) => event.stopPropagation()}>
      {phone && <button type="button" onClick={() => edit(row)}>{t('devices.change')}</button>}
      <button type="button" tabIndex={-1} disabled={acts.busy} onClick={() => acts.toggle(row)}>{t(row.isEnabled ? 'routes.stop' : 'routes.start')}</button>
      <button type="button" tabIndex={-1} disabled={acts.busy} onClick={() => acts.remove(row)}>{t('routes.remove')}</button>
    </span>
  );
  const columns = useColumns(rowActs);
  useEffect(() => {
    document.title = `${t('queue.pages.routes')} · Sen`;
  }, [t]);
  return (
    <div className={ui.page}>
      <TransferTabs />
      <div className={ui.bar}>
        <span className={ui.dim}>{t('routes.intro')}</span>
        <span className={css.space} />
        {mayEdit && <Button className={css.add ?? ''} variant="default" onClick={() => setEditing(blank)}>{t('routes.add')}</Button>}
      </div>
      <Split>
        {query.isPending ? <Loading />
          : query.isLoadingError ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
            : rows.length === 0 ? <Empty title={t('routes.empty')} hint={t('routes.emptyHint')} />
              : <DataGrid label={t('queue.pages.routes')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={edit} dimmed={(row) => !row.isEnabled} narrow={phone ? (row) => <NarrowRow row={row} acts={rowActs(row)} /> : undefined} />}
        {editing && <RouteForm key={editing.name} route={editing} onClose={() => setEditing(null)} onSaved={(name) => { setEditing(null); setSelected(name); }} />}
      </Split>
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

/** A row on a phone: the rule and where to on the first line, which images and what can be done on the second. */
function NarrowRow({ row, acts }: { row: Route; acts: ReactNode }) {
  const { t } = useTranslation();
  const conditions = useConditions();
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{row.name}</span><span className={ui.far}>{row.device}</span></div>
      <div className={ui.dim}><span>{t(row.isEnabled ? 'routes.on' : 'routes.off')}</span><span className="cut">{conditions(row)}</span><span className={ui.far}>{acts}</span></div>
    </div>
  );
}

/** What a route wants of images, in one line. */
function useConditions(): (row: Route) => string {
  const { t } = useTranslation();
  return useCallback((row: Route) => {
    const parts: [string, string][] = [
      [t('routes.callingAe'), row.callingAe.join(', ')],
      [t('field.modality'), row.modality.join(', ')],
      [t('routes.bodyPart'), row.bodyPart.join(', ')],
      [t('field.facility'), row.facility.join(', ')],
      [t('routes.hours'), row.hours ?? ''],
    ];
    const said = parts.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}`);
    const which = said.length === 0 ? t('routes.all') : said.join(' · ');
    return row.afterCorrections ? `${which} (${t('routes.corrections')})` : which;
  }, [t]);
}

function useColumns(acts: (row: Route) => ReactNode): Column<Route>[] {
  const { t } = useTranslation();
  const conditions = useConditions();
  return [
    { id: 'name', title: t('routes.name'), width: 'minmax(130px, 0.7fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{row.name}</span> },
    { id: 'device', title: t('routes.device'), width: '150px', cell: (row) => <span className="cut">{row.device}</span> },
    { id: 'which', title: t('routes.which'), width: 'minmax(200px, 2fr)', cell: (row) => <span className="cut" title={conditions(row)}>{conditions(row)}</span> },
    { id: 'priority', title: t('queue.priorityTitle'), width: '96px', cell: (row) => t(`queue.priority.${row.priority}`) },
    { id: 'enabled', title: t('field.label'), width: '90px', cell: (row) => t(row.isEnabled ? 'routes.on' : 'routes.off') },
    { id: 'source', title: t('devices.source'), width: '120px', cell: (row) => t(row.source === 'file' ? 'devices.file' : 'devices.rows') },
    { id: 'acts', title: t('queue.acts'), width: '120px', cell: acts },
  ];
}
