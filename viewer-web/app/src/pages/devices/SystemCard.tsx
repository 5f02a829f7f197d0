import { CopyButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SystemInfo } from '~/api/types';
import css from './DevicesPage.module.css';

/** What to enter on a modality so that it finds this server. */
export function SystemCard({ system }: { system: SystemInfo }) {
  const { t } = useTranslation();
  const facts: [string, string][] = [
    [t('devices.aeHere'), system.aeTitle],
    [t('devices.host'), window.location.hostname],
    [t('devices.portHere'), String(system.dimsePort)],
    [t('devices.web'), `${window.location.origin}/dicomweb`],
  ];
  return (
    <section className={css.card}>
      <h2>{t('devices.setUp')}</h2>
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
      <span className={css.dim}>Sen {system.version}</span>
    </section>
  );
}
