import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { ArchiveKeys } from '~/api/transferTypes';
import { DayInput } from '~/ui/DayInput';
import css from './ArchivesPage.module.css';

interface Props {
  keys: ArchiveKeys;
  archive: string | null;
  busy: boolean;
  onArchive: (archive: string | null) => void;
  onKeys: (part: Partial<ArchiveKeys>) => void;
  onAsk: () => void;
}

const modalities = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'XA', 'RF', 'NM', 'PT'];

/** Which archive, and what is looked for there; Enter asks. */
export function QueryForm({ keys, archive, busy, onArchive, onKeys, onAsk }: Props) {
  const { t } = useTranslation();
  const first = useRef<HTMLInputElement>(null);
  const devices = useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => server.devices(signal) });
  const reachable = devices.data?.items.filter(({ host, port }) => host !== null && port !== null) ?? [];
  const choices = reachable.map(({ aeTitle, description }) => ({ value: aeTitle, label: description ? `${aeTitle} · ${description}` : aeTitle }));
  const only = choices.length === 1 ? choices[0]?.value : undefined;
  useEffect(() => {
    if (archive === null && only !== undefined) onArchive(only);
  }, [archive, only, onArchive]);
  useEffect(() => first.current?.focus(), []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onAsk();
  };
  const asked = archive !== null && Object.values(keys).some((value) => value !== null && value !== '');
  const text = (key: 'patientId' | 'patientName' | 'accessionNumber') => ({
    value: keys[key] ?? '',
    'aria-label': t(`archives.${key}`),
    placeholder: t(`archives.${key}`),
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onKeys({ [key]: event.currentTarget.value }),
  });
  return (
    <form className={css.form} onSubmit={submit}>
      <Select w={210} aria-label={t('archives.archive')} placeholder={t('archives.archive')} searchable data={choices} value={archive} nothingFoundMessage={t('send.none')} onChange={onArchive} />
      <TextInput ref={first} w={140} {...text('patientId')} />
      <TextInput w={210} {...text('patientName')} />
      <TextInput w={120} {...text('accessionNumber')} />
      <Select w={110} aria-label={t('field.modality')} placeholder={t('field.modality')} clearable searchable data={modalities} value={keys.modality} onChange={(modality) => onKeys({ modality })} />
      <DayInput label={t('search.from')} value={keys.from} onChange={(from) => onKeys({ from })} />
      <DayInput label={t('search.to')} value={keys.to} onChange={(to) => onKeys({ to })} />
      {devices.isLoadingError && <span role="alert">{t('send.unlisted')} <Button variant="default" onClick={() => void devices.refetch()}>{t('state.retry')}</Button></span>}
      <Button type="submit" disabled={!asked} loading={busy}>{t('archives.ask')}</Button>
    </form>
  );
}
