import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { AssociationFailure } from '~/api/types';
import { instant } from '~/format/dates';
import { phrases } from '~/i18n';
import css from './DevicesPage.module.css';

type ReasonKey = keyof typeof phrases.vi.devices.reason;

/** A reason in words; one that these pages do not know yet as the server names it. */
export function useReasonText(): (reason: string) => string {
  const { t } = useTranslation();
  return useCallback((reason: string) => (reason in phrases.vi.devices.reason ? t(`devices.reason.${reason as ReasonKey}`) : reason), [t]);
}

/** Why an association failed, when, from where, and what else is known. */
export function FailureNote({ failure }: { failure: AssociationFailure | null }) {
  const { t } = useTranslation();
  const reason = useReasonText();
  if (!failure) return <p className={css.dim}>{t('devices.noFailure')}</p>;
  const { peer, calledAe } = failure;
  return (
    <div className={css.failure}>
      <p className={css.why}>{reason(failure.reason)}</p>
      <p className={css.dim}>
        {instant(failure.at)} · {failure.outgoing ? t('devices.toPeer', { peer }) : t('devices.fromPeer', { peer, called: calledAe || '?' })}
        {failure.times > 1 && <> · {t('devices.times', { count: failure.times })}</>}
      </p>
      {failure.detail && <p className={css.detail}>{failure.detail}</p>}
    </div>
  );
}
