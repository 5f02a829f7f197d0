import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { viewerPath } from '~/app/paths';
import type { DamagedImage } from '~/api/keepingTypes';
import { instant } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty } from '~/ui/LoadState';
import { usePhone } from '~/ui/usePhone';
import { useWhy } from '~/ui/useWhy';
import ui from '~/ui/ui.module.css';

/** Stored images that are not what was stored, by UID. */
export function DamagedImages({ damaged }: { damaged: readonly DamagedImage[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [selected, setSelected] = useState<string | null>(null);
  const phone = usePhone();
  const { brief, technical } = useWhy('damage');
  const columns = useMemo((): Column<DamagedImage>[] => [
    { id: 'since', title: t('storage.since'), width: '130px', cell: (image) => <span className={ui.strong}>{instant(image.since)}</span> },
    { id: 'why', title: t('storage.why'), width: 'minmax(160px, 1fr)', cell: (image) => <span className="cut" title={technical(image.why)}>{brief(image.why)}</span> },
    { id: 'instance', title: t('storage.instance'), width: 'minmax(220px, 1.5fr)', cell: (image) => <span className="cut" title={image.instanceUid}>{image.instanceUid}</span> },
    { id: 'study', title: t('storage.study'), width: 'minmax(220px, 1.5fr)', cell: (image) => <span className="cut" title={image.studyUid}>{image.studyUid}</span> },
  ], [t, brief, technical]);
  const rowKey = (image: DamagedImage): string => `${image.instanceUid} ${image.since}`;
  const open = (image: DamagedImage): void => void navigate(viewerPath(image.studyUid));
  useListKeys({ rows: damaged, rowKey, selected, onSelect: (image) => setSelected(rowKey(image)), onOpen: open, onClearSearch: () => setSelected(null) });
  usePageKeys(useMemo(() => [{ title: t('keys.list'), lines: listKeyLines(t, t('storage.open')) }], [t]));
  if (damaged.length === 0) return <Empty title={t('storage.noDamage')} hint={t('storage.noDamageHint')} />;
  return (
    <DataGrid
      label={t('storage.damaged')} columns={columns} rows={damaged} rowKey={rowKey}
      selected={selected} onSelect={(image) => setSelected(rowKey(image))} onOpen={open} narrow={phone ? (image) => <NarrowImage image={image} /> : undefined}
    />
  );
}

/** A damaged image on a phone: since when and why on the first line, which it is on the second. */
function NarrowImage({ image }: { image: DamagedImage }) {
  const { brief } = useWhy('damage');
  return (
    <div className={ui.twoLines}>
      <div><span className={ui.strong}>{instant(image.since)}</span><span className="cut">{brief(image.why)}</span></div>
      <div className={ui.dim}><span className="cut">{image.instanceUid}</span></div>
    </div>
  );
}
