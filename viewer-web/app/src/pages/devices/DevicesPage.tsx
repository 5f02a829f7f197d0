import { CopyButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { systemQuery } from '~/api/queries';
import { server } from '~/api/server';
import type { Device, SystemInfo } from '~/api/types';
import { instant } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import ui from '~/ui/ui.module.css';
import css from './DevicesPage.module.css';

/** Thiết bị: who may send and receive, and what to enter on a modality so that it finds this server. */
export function DevicesPage() {
  const { t } = useTranslation();
  const devices = useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => server.devices(signal) });
  const system = useQuery(systemQuery);
  const columns = useColumns();
  const [selected, setSelected] = useState<string | null>(null);
  const rows = devices.data?.items ?? none;
  const rowKey = (device: Device): string => device.aeTitle;
  useListKeys({ rows, rowKey, selected, onSelect: (device) => setSelected(device.aeTitle), onOpen: () => undefined, onClearSearch: () => setSelected(null) });
  usePageKeys(useMemo(() => [{ title: t('keys.list'), lines: listKeyLines(t, null) }], [t]));
  useEffect(() => {
    document.title = `${t('nav.devices')} · Sen`;
  }, [t]);
  return (
    <div className={css.page}>
      {system.data && <SystemCard system={system.data} />}
      <p className={css.intro}>{t('devices.intro')}</p>
      {devices.isPending ? <Loading />
        : devices.isError ? <LoadFailed error={devices.error} onRetry={() => void devices.refetch()} />
          : rows.length === 0 ? <Empty title={t('devices.empty')} hint={t('devices.emptyHint')} />
            : (
              <DataGrid
                label={t('devices.title')} columns={columns} rows={rows} rowKey={rowKey}
                selected={selected} onSelect={(device) => setSelected(device.aeTitle)}
              />
            )}
    </div>
  );
}

const none: readonly Device[] = [];

function useColumns(): Column<Device>[] {
  const { t } = useTranslation();
  return useMemo((): Column<Device>[] => [
    { id: 'ae', title: t('devices.ae'), width: '150px', cell: (device) => <span className={`cut ${ui.strong}`}>{device.aeTitle}</span> },
    { id: 'description', title: t('field.description'), width: 'minmax(160px, 1fr)', cell: (device) => <span className="cut">{device.description}</span> },
    { id: 'modality', title: t('field.modality'), width: '60px', cell: (device) => <span className={ui.modality}>{device.modality}</span> },
    { id: 'room', title: t('devices.room'), width: '80px', cell: (device) => <span className="cut">{device.room}</span> },
    { id: 'host', title: t('devices.host'), width: '150px', cell: (device) => <span className="cut">{device.host}</span> },
    { id: 'port', title: t('devices.port'), width: '60px', end: true, cell: (device) => device.port },
    { id: 'facility', title: t('field.facility'), width: '90px', cell: (device) => <span className="cut">{device.facility}</span> },
    { id: 'characterSet', title: t('devices.characterSet'), width: 'minmax(140px, 1fr)', cell: (device) => <span className="cut">{device.characterSet ?? t('devices.asAsked')}</span> },
    { id: 'seen', title: t('devices.seen'), width: '130px', cell: (device) => (device.lastSeenAt ? instant(device.lastSeenAt) : t('devices.never')) },
    { id: 'source', title: t('devices.source'), width: '130px', cell: (device) => t(device.source === 'file' ? 'devices.file' : 'devices.rows') },
  ], [t]);
}

function SystemCard({ system }: { system: SystemInfo }) {
  const { t } = useTranslation();
  const facts: [string, string][] = [
    [t('devices.aeHere'), system.aeTitle],
    [t('devices.host'), window.location.hostname],
    [t('devices.portHere'), String(system.dimsePort)],
    [t('devices.web'), `${window.location.origin}/dicomweb`],
  ];
  return (
    <section className={css.card}>
      <header><h2>{t('devices.setUp')}</h2><span className={css.dim}>Sen {system.version}</span></header>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value}
              <CopyButton value={value}>
                {({ copied, copy }) => <button type="button" className={css.copy} onClick={copy}>{copied ? t('devices.copied') : t('devices.copy')}</button>}
              </CopyButton>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
