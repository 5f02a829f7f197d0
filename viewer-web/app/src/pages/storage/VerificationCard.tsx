import { useTranslation } from 'react-i18next';
import type { Verification } from '~/api/keepingTypes';
import { bytes } from '~/format/bytes';
import { instant } from '~/format/dates';
import css from './StoragePage.module.css';

/** How far reading back is. */
export function VerificationCard({ verification }: { verification: Verification }) {
  const { t, i18n } = useTranslation();
  const { everyDays, instances, since, oldestAt, packs, duePacks, damaged } = verification;
  const figure = (count: number): string => new Intl.NumberFormat(i18n.language).format(count);
  return (
    <section className={css.card}>
      <h2>{t('storage.verification')}</h2>
      <dl>
        <div>
          <dt>{t('storage.schedule')}</dt>
          <dd>{everyDays === null ? t('storage.off') : t('storage.every', { days: everyDays })}</dd>
        </div>
        <div>
          <dt>{t('storage.readSoFar')}</dt>
          <dd>
            {since === null ? t('storage.nothingRead')
              : t('storage.images', { images: figure(instances), size: bytes(verification.bytes, i18n.language), since: instant(since) })}
          </dd>
        </div>
        {packs > 0 && (
          <div>
            <dt>{t('storage.oldest')}</dt>
            <dd>{oldestAt === null ? t('storage.neverRead') : instant(oldestAt)}</dd>
          </div>
        )}
        {packs > 0 && (
          <div>
            <dt>{t('storage.due')}</dt>
            <dd>{t('storage.ofPacks', { due: figure(duePacks), packs: figure(packs) })}</dd>
          </div>
        )}
        <div>
          <dt>{t('storage.damaged')}</dt>
          <dd><span className={damaged > 0 ? css.critical : css.strong}>{damaged > 0 ? figure(damaged) : t('storage.none')}</span></dd>
        </div>
      </dl>
    </section>
  );
}
