import { useTranslation } from 'react-i18next';
import type { Backups } from '~/api/keepingTypes';
import { instant } from '~/format/dates';
import { useWhy } from '~/ui/useWhy';
import css from './StoragePage.module.css';

/** Older than this it is not of the last night. */
const oldMs = 48 * 3_600_000;

/** How old the last good backup is. */
export function BackupCard({ backup }: { backup: Backups }) {
  const { t } = useTranslation();
  const { whole, technical } = useWhy('backup');
  const last = backup.lastGoodAt;
  const isOld = last !== null && Date.now() - Date.parse(last) > oldMs;
  const newest = backup.runs.find((run) => run.state !== 'running');
  return (
    <section className={css.card}>
      <h2>{t('storage.backup')}</h2>
      <dl>
        <div>
          <dt>{t('storage.lastGood')}</dt>
          <dd>
            <span className={css.strong}>{last ? instant(last) : t('storage.noBackup')}</span>
            {isOld && <span className={css.overdue}>{t('storage.oldBackup')}</span>}
          </dd>
        </div>
        {newest?.state === 'failed' && (
          <div>
            <dt>{t('storage.failedSince')}</dt>
            <dd><span className={css.strong}>{instant(newest.startedAt)}</span>{newest.error && <span title={technical(newest.error)}>{whole(newest.error)}</span>}</dd>
          </div>
        )}
        <div>
          <dt>{t('storage.schedule')}</dt>
          <dd>{t(backup.isPlanned ? 'storage.planned' : 'storage.unplanned')}</dd>
        </div>
      </dl>
    </section>
  );
}
