import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { viewerPath } from '~/app/paths';
import type { phrases } from '~/i18n';
import type { DamagedImage } from '~/api/types';
import { instant } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty } from '~/ui/LoadState';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';

/** What the server finds wrong, by its words. */
const known: Partial<Record<string, keyof (typeof phrases)['vi']['storage']['damage']>> = {
  'its content has another hash': 'hash', 'its bytes are gone': 'gone', 'it cannot be read': 'unreadable',
  'the companion of its pack is gone': 'companion', 'the companion of its pack cannot be read': 'companionUnreadable',
};

/** What is wrong in the reader's language; what these pages do not know as the server says it. */
function useWhy(): (said: string) => string {
  const { t } = useTranslation();
  return useCallback((said: string) => {
    // After a colon stands what the disk or the bucket said.
    const [what = '', ...details] = said.split(': ');
    const key = known[what];
    return key ? [t(`storage.damage.${key}`), ...details].join(': ') : said;
  }, [t]);
}

/** Stored images that are not what was stored, by UID. */
export function DamagedImages({ damaged }: { damaged: readonly DamagedImage[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [selected, setSelected] = useState<string | null>(null);
  const phone = usePhone();
  const why = useWhy();
  const columns = useMemo((): Column<DamagedImage>[] => [
    { id: 'since', title: t('storage.since'), width: '130px', cell: (image) => <span className={ui.strong}>{instant(image.since)}</span> },
    { id: 'why', title: t('storage.why'), width: 'minmax(160px, 1fr)', cell: (image) => <span className="cut">{why(image.why)}</span> },
    { id: 'instance', title: t('storage.instance'), width: 'minmax(220px, 1.5fr)', cell: (image) => <span className="cut" title={image.instanceUid}>{image.instanceUid}</span> },
    { id: 'study', title: t('storage.study'), width: 'minmax(220px, 1.5fr)', cell: (image) => <span className="cut" title={image.studyUid}>{image.studyUid}</span> },
  ], [t, why]);
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
  const why = useWhy();
  return (
    <div className={ui.twoLines}>
      <div><span className={ui.strong}>{instant(image.since)}</span><span className="cut">{why(image.why)}</span></div>
      <div className={ui.dim}><span className="cut">{image.instanceUid}</span></div>
    </div>
  );
}
