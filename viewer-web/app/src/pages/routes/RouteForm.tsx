import { Button, Checkbox, CloseButton, Select, TagsInput, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { orderFormQuery } from '~/api/queries';
import { server } from '~/api/server';
import type { Route } from '~/api/transferTypes';
import { PanelHead, SidePanel } from '~/ui/SidePanel';
import { useProblemText } from '~/ui/useProblemText';
import css from './RoutesPage.module.css';

const priorities = ['low', 'normal', 'high'] as const;

interface Props {
  route: Route;
  onClose: () => void;
  onSaved: (name: string) => void;
}

/** A rule to be made or changed; a condition that is left empty holds for every image. */
export function RouteForm({ route, onClose, onSaved }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, setDraft] = useState(route);
  const isNew = route.name === '';
  const devices = useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => server.devices(signal) });
  const form = useQuery(orderFormQuery);
  const titles = devices.data?.items.map(({ aeTitle }) => aeTitle) ?? [];
  const saving = useMutation({
    mutationFn: () => (isNew ? server.addRoute(draft) : server.putRoute(draft)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['routes'] });
      onSaved(draft.name.trim());
    },
  });
  const change = (part: Partial<Route>): void => setDraft((before) => ({ ...before, ...part }));
  const wrong = saving.error instanceof Problem ? saving.error.fields : {};
  const why = useProblemText(saving.error, t('routes.conflict'));
  const isTaken = isNew && saving.error instanceof Problem && saving.error.status === 409;
  const error = (field: string): string | null => {
    if (field === 'name' && isTaken) return t('routes.nameTaken');
    const key = wrong[field];
    return key === undefined ? null : t(key === 'required' ? 'order.error.required' : key === 'tooLong' ? 'order.error.tooLong' : 'order.error.invalid');
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    saving.mutate();
  };
  const title = isNew ? t('routes.add') : route.name;
  return (
    <SidePanel narrow label={title}>
      <PanelHead title={title}><CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} /></PanelHead>
      <form className={css.form} onSubmit={submit} aria-label={t(isNew ? 'routes.add' : 'routes.edit')}>
        {isNew && <TextInput label={t('routes.name')} required autoFocus maxLength={64} value={draft.name} error={error('name')} onChange={(event) => change({ name: event.currentTarget.value })} />}
        <Select label={t('routes.device')} required searchable data={titles} value={draft.device || null} error={error('device')} onChange={(device) => change({ device: device ?? '' })} />
        <p>{t('routes.formHint')}</p>
        <TagsInput size="xs" label={t('routes.callingAe')} data={titles} value={draft.callingAe} error={error('callingAe')} onChange={(callingAe) => change({ callingAe })} />
        <TagsInput size="xs" label={t('field.modality')} data={form.data?.modalities ?? []} value={draft.modality} error={error('modality')} onChange={(modality) => change({ modality })} />
        <TagsInput size="xs" label={t('routes.bodyPart')} value={draft.bodyPart} error={error('bodyPart')} onChange={(bodyPart) => change({ bodyPart })} />
        <TagsInput size="xs" label={t('field.facility')} data={form.data?.facilities.map(({ code }) => code) ?? []} value={draft.facility} error={error('facility')} onChange={(facility) => change({ facility })} />
        <TextInput label={t('routes.hours')} placeholder="18:00-06:00" value={draft.hours ?? ''} error={error('hours')} onChange={(event) => change({ hours: event.currentTarget.value || null })} />
        <Select
          label={t('queue.priorityTitle')} allowDeselect={false} value={draft.priority} data={priorities.map((value) => ({ value, label: t(`queue.priority.${value}`) }))}
          onChange={(value) => value && change({ priority: value as Route['priority'] })}
        />
        <Checkbox
          size="xs" label={t('routes.afterCorrections')} description={t('routes.afterCorrectionsHint')} checked={draft.afterCorrections}
          onChange={(event) => change({ afterCorrections: event.currentTarget.checked })}
        />
        <div className={css.save}>
          <Button type="submit" loading={saving.isPending} disabled={draft.name.trim() === '' || draft.device === ''}>{t('routes.save')}</Button>
          {saving.error && !isTaken && Object.keys(wrong).length === 0 && <span role="alert">{why}</span>}
        </div>
      </form>
    </SidePanel>
  );
}
