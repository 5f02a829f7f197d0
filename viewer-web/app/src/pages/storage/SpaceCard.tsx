import { useTranslation } from 'react-i18next';
import type { Disk, Storage } from '~/api/keepingTypes';
import { bytes } from '~/format/bytes';
import css from './StoragePage.module.css';

/** Room on the disks of the server. */
export function SpaceCard({ storage }: { storage: Storage }) {
  const { t, i18n } = useTranslation();
  return (
    <section className={css.card}>
      <h2>{t('storage.space')}</h2>
      <dl>
        {together(storage.disks).map((disks) => <DiskRow key={disks[0].use} disks={disks} />)}
        <div>
          <dt>{t('storage.spool')}</dt>
          <dd>{bytes(storage.spoolBytes, i18n.language)} / {bytes(storage.spoolLimitBytes, i18n.language)}</dd>
        </div>
      </dl>
    </section>
  );
}

/** At least one. */
type Some = readonly [Disk, ...Disk[]];

/** What lies on one disk is told in one line: where all figures are the same, it is the same. */
function together(disks: readonly Disk[]): Some[] {
  const groups: [Disk, ...Disk[]][] = [];
  for (const disk of disks) {
    const known = groups.find(([first]) => first.totalBytes === disk.totalBytes && first.freeBytes === disk.freeBytes && first.level === disk.level);
    if (known) known.push(disk);
    else groups.push([disk]);
  }
  return groups;
}

function DiskRow({ disks }: { disks: Some }) {
  const { t, i18n } = useTranslation();
  const [disk] = disks;
  const used = disk.totalBytes > 0 ? 1 - disk.freeBytes / disk.totalBytes : 0;
  return (
    <div title={disks.map(({ folder }) => folder).join('\n')}>
      <dt>{disks.map(({ use }) => t(`storage.disk.${use}`)).join(', ')}</dt>
      <dd>
        <span className={css.bar} data-level={disk.level} aria-hidden><span style={{ width: `${Math.round(used * 100)}%` }} /></span>
        <span>{t('storage.free', { free: bytes(disk.freeBytes, i18n.language), total: bytes(disk.totalBytes, i18n.language) })}</span>
        {disk.level !== 'enough' && <span className={disk.level === 'full' ? css.critical : css.strong}>{t(`storage.level.${disk.level}`)}</span>}
      </dd>
    </div>
  );
}
