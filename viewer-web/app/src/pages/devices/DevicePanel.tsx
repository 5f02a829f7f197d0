import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Device, Stranger } from '~/api/types';
import { instant } from '~/format/dates';
import { Facts } from '~/ui/Facts';
import { PanelHead, SidePanel, VacantPanel } from '~/ui/SidePanel';
import css from './DevicesPage.module.css';
import { EchoTest } from './EchoTest';
import { FailureNote } from './FailureNote';
import { titleOf, type Row } from './rows';

interface Props {
  row: Row | null;
  manages: boolean;
  onChange: (device: Device) => void;
  onRemove: (device: Device) => void;
  onAdd: (stranger: Stranger) => void;
  onForget: (stranger: Stranger) => void;
  onTested: () => void;
}

/** What is known of the selected row, and what can be done with it. */
export function DevicePanel({ row, manages, onChange, onRemove, onAdd, onForget, onTested }: Props) {
  const { t } = useTranslation();
  if (!row) return <VacantPanel>{t('devices.choose')}</VacantPanel>;
  const title = titleOf(row) || t('devices.nameless');
  return (
    <SidePanel label={title}>
      <PanelHead title={title} note={row.is === 'device' && row.device.description}>
        {row.is === 'stranger' && <span className={css.flag}>{t('devices.stranger')}</span>}
      </PanelHead>
      {row.is === 'device' && <EchoTest key={row.device.aeTitle} device={row.device} onDone={onTested} />}
      <h3>{t('devices.lastFailure')}</h3>
      <FailureNote failure={row.is === 'device' ? row.device.lastFailure : row.stranger.lastFailure} />
      {row.is === 'device' && <DeviceFacts device={row.device} />}
      {manages && (
        <footer className={css.foot}>
          {row.is === 'stranger' ? (
            <>
              {row.stranger.aeTitle && <Button onClick={() => onAdd(row.stranger)}>{t('devices.addThis')} <kbd className={css.cap}>↵</kbd></Button>}
              <Button variant="default" onClick={() => onForget(row.stranger)}>{t('devices.forget')}</Button>
            </>
          ) : row.device.source === 'rows' && (
            <>
              <Button variant="default" onClick={() => onChange(row.device)}>{t('devices.change')} <kbd className={css.cap}>↵</kbd></Button>
              <Button variant="subtle" color="gray" onClick={() => onRemove(row.device)}>{t('devices.remove')}</Button>
            </>
          )}
        </footer>
      )}
    </SidePanel>
  );
}

function DeviceFacts({ device }: { device: Device }) {
  const { t } = useTranslation();
  const facts: [string, string][] = [
    [t('devices.host'), [device.host, device.port].filter((part) => part !== null).join(' : ')],
    [t('field.facility'), device.facility ?? ''],
    [t('field.modality'), device.modality ?? ''],
    [t('devices.room'), device.room ?? ''],
    [t('devices.characterSet'), device.characterSet ?? t('devices.asAsked')],
    [t('devices.field.calledAe'), device.calledAe.join(', ')],
    [t('devices.field.maxAssociations'), device.maxAssociations === null ? '' : String(device.maxAssociations)],
    [t('devices.field.maxAnswers'), device.maxAnswers === null ? '' : String(device.maxAnswers)],
    [t('devices.field.certificate'), device.certificate ?? ''],
    [t('devices.field.worklistDays'), device.worklistDays === null ? '' : String(device.worklistDays)],
    [t('devices.field.sendLimit'), device.sendLimit === null || device.sendLimit === 1 ? '' : String(device.sendLimit)],
    [t('devices.field.retrieveBy'), device.retrieveBy === 'get' ? 'C-GET' : ''],
    [t('devices.seen'), device.lastSeenAt ? instant(device.lastSeenAt) : t('devices.never')],
    [t('devices.source'), t(device.source === 'file' ? 'devices.file' : 'devices.rows')],
  ];
  const flags = ['requiresTls', 'requiresUser', 'worklistOwn', 'commitment', 'priors', 'performedSteps', 'availability'] as const;
  return (
    <>
      <h3>{t('devices.group.what')}</h3>
      <Facts facts={facts} />
      {flags.filter((flag) => device[flag]).map((flag) => <p key={flag} className={css.rule}>{t(`devices.field.${flag}`)}</p>)}
    </>
  );
}
