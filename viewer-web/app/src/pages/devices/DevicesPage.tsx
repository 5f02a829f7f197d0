import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { systemQuery } from '~/api/queries';
import { server } from '~/api/server';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { instant } from '~/format/dates';
import { isText } from '~/keys/isText';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { PanelHead, SidePanel, Split } from '~/ui/SidePanel';
import { UndoBar } from '~/ui/UndoBar';
import { useLatest } from '~/ui/useLatest';
import ui from '~/ui/ui.module.css';
import { usePhone } from '~/ui/usePhone';
import { useWhy } from '~/ui/useWhy';
import { DeviceEditor } from './DeviceEditor';
import { DevicePanel } from './DevicePanel';
import css from './DevicesPage.module.css';
import { draftOf, draftOfStranger, emptyDraft, type Draft } from './draft';
import { failureOf, keyOf, rowsOf, titleOf, type Row } from './rows';
import { SystemCard } from './SystemCard';
import { useDeviceActs } from './useDeviceActs';

/** What is in the form: a new device, or one that is changed. */
interface Editing {
  draft: Draft;
  isNew: boolean;
}

const lookAgainMs = 15_000;

/** Thiết bị: who may send and receive, whether it answers, and why its last association failed. */
export function DevicesPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const devices = useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => server.devices(signal), refetchInterval: lookAgainMs });
  const system = useQuery(systemQuery);
  const manages = offers(useSession().data?.user.role, 'manageDevices');
  const [selected, setSelected] = useState<string | null>(null);
  const [editing, setEditing] = useState<Editing | null>(null);
  const acts = useDeviceActs();
  /** Whether something was typed that nobody wants to type again: then only saving and leaving close the form. */
  const isDirty = useRef(false);
  const rows = useMemo(() => (devices.data ? rowsOf(devices.data) : []), [devices.data]);
  const shown = rows.find((row) => keyOf(row) === selected) ?? null;
  const edit = useCallback((next: Editing) => {
    acts.save.reset();
    setEditing(next);
  }, [acts.save]);
  const open = useCallback((row: Row) => {
    if (!manages || isDirty.current) return;
    if (row.is === 'stranger' && row.stranger.aeTitle) edit({ draft: draftOfStranger(row.stranger), isNew: true });
    else if (row.is === 'device' && row.device.source === 'rows') edit({ draft: draftOf(row.device), isNew: false });
  }, [manages, edit]);
  const select = useCallback((row: Row) => {
    if (isDirty.current) return;
    setSelected(keyOf(row));
    setEditing(null);
  }, []);
  const onDirty = useCallback((dirty: boolean) => void (isDirty.current = dirty), []);
  const add = useCallback(() => edit({ draft: emptyDraft, isNew: true }), [edit]);
  useListKeys({ rows, rowKey: keyOf, selected, onSelect: select, onOpen: open, onClearSearch: () => setSelected(null) });
  useAddKey(manages && !editing ? add : null);
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, manages ? t('devices.keys.change') : null) },
    {
      title: t('devices.title'),
      lines: [
        { caps: ['E'], what: t('devices.keys.echo') },
        ...(manages ? [{ caps: ['N'], what: t('devices.keys.add') }, { caps: ['Ctrl', 'Enter'], what: t('devices.keys.save') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] : []),
      ],
    },
  ], [t, manages]));
  useEffect(() => {
    document.title = `${t('nav.devices')} · Sen`;
  }, [t]);
  const phone = usePhone();
  const columns = useColumns();
  return (
    <div className={ui.page}>
      <div className={css.top}>
        {system.data && <SystemCard system={system.data} />}
        {manages && <Button disabled={editing !== null} onClick={add}>{t('devices.add')} <kbd className={css.cap}>N</kbd></Button>}
      </div>
      <Split>
        {devices.isPending ? <Loading />
          : devices.isLoadingError ? <LoadFailed error={devices.error} onRetry={() => void devices.refetch()} />
            : rows.length === 0 ? <Empty title={t('devices.empty')} hint={t('devices.emptyHint')} />
              : <DataGrid label={t('devices.title')} columns={columns} rows={rows} rowKey={keyOf} selected={selected} onSelect={select} onOpen={open} narrow={phone ? (row) => <NarrowRow row={row} /> : undefined} />}
        {editing ? (
          <SidePanel label={editing.isNew ? t('devices.fresh') : editing.draft.aeTitle}>
            <PanelHead title={editing.isNew ? t('devices.fresh') : editing.draft.aeTitle} />
            <DeviceEditor
              key={editing.isNew ? `new:${editing.draft.aeTitle}` : editing.draft.aeTitle} start={editing.draft} isNew={editing.isNew} facilities={devices.data?.facilities ?? []}
              failure={acts.save.error} busy={acts.save.isPending} onCancel={() => setEditing(null)}
              onSave={(aeTitle, form) => acts.save.mutate({ aeTitle, form, isNew: editing.isNew }, {
                onSuccess: () => {
                  setEditing((now) => (now === editing ? null : now));
                  setSelected((now) => (editing.isNew ? `device:${aeTitle}` : now));
                },
              })}
              onDirty={onDirty}
            />
          </SidePanel>
        ) : (
          <DevicePanel
            row={shown} manages={manages} onChange={(device) => edit({ draft: draftOf(device), isNew: false })} onRemove={acts.remove} onForget={acts.forget}
            onAdd={(stranger) => edit({ draft: draftOfStranger(stranger), isNew: true })} onTested={() => void client.invalidateQueries({ queryKey: ['devices'] })}
          />
        )}
      </Split>
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

/** `n` begins a new device. */
function useAddKey(onAdd: (() => void) | null): void {
  const latest = useLatest(onAdd);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isText(event.target) || event.isComposing || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key !== 'n' || !latest.current) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [latest]);
}

/** A row on a phone: the title and what it is on the first line, where it is and what last went wrong on the second. */
function NarrowRow({ row }: { row: Row }) {
  const { t } = useTranslation();
  const { brief } = useWhy('association');
  const failure = failureOf(row);
  const device = row.is === 'device' ? row.device : null;
  const address = device ? [device.host, device.port].filter((part) => part !== null).join(':') : row.is === 'stranger' ? row.stranger.lastFailure.peer : '';
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{titleOf(row) || t('devices.nameless')}</span><span className={`cut ${ui.far}`}>{device ? [device.modality, device.description].filter(Boolean).join(' · ') : t('devices.stranger')}</span></div>
      <div className={ui.dim}><span>{address || device?.facility}</span><span className="cut">{failure ? brief(failure.reason) : device?.lastSeenAt && instant(device.lastSeenAt)}</span></div>
    </div>
  );
}

function useColumns(): Column<Row>[] {
  const { t } = useTranslation();
  const { brief, whole } = useWhy('association');
  return useMemo((): Column<Row>[] => {
    const of = (show: (device: Extract<Row, { is: 'device' }>['device']) => string | number | null) => (row: Row) => (row.is === 'device' ? <span className="cut">{show(row.device)}</span> : null);
    return [
      { id: 'ae', title: t('devices.ae'), width: '118px', cell: (row) => (titleOf(row) ? <span className={`cut ${ui.strong}`}>{titleOf(row)}</span> : <span className={css.dim}>{t('devices.nameless')}</span>) },
      {
        id: 'description', title: t('field.description'), width: 'minmax(110px, 1fr)',
        cell: (row) => (row.is === 'device' ? <span className="cut">{row.device.description}</span> : <span className={css.flag}>{t('devices.stranger')}</span>),
      },
      { id: 'modality', title: t('field.modality'), width: '62px', cell: (row) => <span className={ui.modality}>{row.is === 'device' ? row.device.modality : null}</span> },
      { id: 'room', title: t('devices.room'), width: '52px', cell: of((device) => device.room) },
      { id: 'host', title: t('devices.host'), width: '124px', cell: (row) => <span className="cut">{row.is === 'device' ? [row.device.host, row.device.port].filter((part) => part !== null).join(':') : row.stranger.lastFailure.peer}</span> },
      { id: 'facility', title: t('field.facility'), width: '64px', cell: of((device) => device.facility) },
      { id: 'seen', title: t('devices.seen'), width: '124px', cell: of((device) => (device.lastSeenAt ? instant(device.lastSeenAt) : t('devices.never'))) },
      {
        id: 'failure', title: t('devices.lastFailure'), width: 'minmax(190px, 2fr)',
        cell: (row) => {
          const failure = failureOf(row);
          if (!failure) return null;
          return <span className="cut" title={`${whole(failure.reason)} ${instant(failure.at)}`}>{brief(failure.reason)} {instant(failure.at)}</span>;
        },
      },
    ];
  }, [t, brief, whole]);
}
