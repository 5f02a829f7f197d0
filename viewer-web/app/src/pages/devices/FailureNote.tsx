import { useTranslation } from 'react-i18next';
import type { AssociationFailure } from '~/api/types';
import { instant } from '~/format/dates';
import { Why } from '~/ui/Why';
import css from './DevicesPage.module.css';

/** Why an association failed, when, from where, and what else is known. */
export function FailureNote({ failure }: { failure: AssociationFailure | null }) {
  const { t } = useTranslation();
  if (!failure) return <p className={css.dim}>{t('devices.noFailure')}</p>;
  const { peer, calledAe } = failure;
  return (
    <div className={css.failure}>
      <div className={css.why}><Why list="association" reason={failure.reason} /></div>
      <p className={css.dim}>
        {instant(failure.at)} · {failure.outgoing ? t('devices.toPeer', { peer }) : t('devices.fromPeer', { peer, called: calledAe || '?' })}
        {failure.times > 1 && <> · {t('devices.times', { count: failure.times })}</>}
      </p>
    </div>
  );
}
