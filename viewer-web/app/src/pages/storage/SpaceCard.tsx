import { useTranslation } from 'react-i18next';
import type { Disk, Storage } from '~/api/types';
import { bytes } from '~/format/bytes';
import css from './StoragePage.module.css';

/** Room on the disks of the server. */
export function SpaceCard({ storage }: { storage: Storage }) {
  const { t, i18n } = useTranslation();
  return (
    <section className={css.card}>
      <h2>{t('storage.space')}</h2>
      <dl>
        {storage.disks.map((disk) => <DiskRow key={disk.use} disk={disk} />)}
        <div>
          <dt>{t('storage.spool')}</dt>
          <dd>{bytes(storage.spoolBytes, i18n.language)} / {bytes(storage.spoolLimitBytes, i18n.language)}</dd>
        </div>
      </dl>
    </section>
  );
}

function DiskRow({ disk }: { disk: Disk }) {
  const { t, i18n } = useTranslation();
  const used = disk.totalBytes > 0 ? 1 - disk.freeBytes / disk.totalBytes : 0;
  return (
    <div title={disk.folder}>
      <dt>{t(`storage.disk.${disk.use}`)}</dt>
      <dd>
        <span className={css.bar} data-level={disk.level} aria-hidden><span style={{ width: `${Math.round(used * 100)}%` }} /></span>
        <span>{t('storage.free', { free: bytes(disk.freeBytes, i18n.language), total: bytes(disk.totalBytes, i18n.language) })}</span>
        {disk.level !== 'enough' && <span className={disk.level === 'full' ? css.critical : css.strong}>{t(`storage.level.${disk.level}`)}</span>}
      </dd>
    </div>
  );
}
