import { Checkbox, Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { OrderForm } from '~/api/types';
import { hasWords } from '~/format/fold';
import { parseClock } from '~/format/dates';
import { DayInput } from '~/ui/DayInput';
import type { Draft, Field, Place } from './draft';
import css from './OrderPage.module.css';
import { ProcedureField } from './ProcedureField';

interface Props {
  draft: Draft;
  form: OrderForm;
  change: (part: Partial<Draft>) => void;
  error: (field: Field) => string | null;
}

/** What is to be done, where and when. */
export function ExamFields({ draft, form, change, error }: Props) {
  const { t } = useTranslation();
  const byWords = ({ options, search }: { options: readonly unknown[]; search: string }) =>
    (options as { value: string; label: string }[]).filter(({ value, label }) => hasWords(`${value} ${label}`, search));
  return (
    <fieldset className={css.fields}>
      <div className={css.legend}>
        <b>{t('order.exam')}</b>
        <Checkbox
          label={<span className={draft.emergency ? css.emergency : undefined}>{t('order.emergency')}</span>} checked={draft.emergency}
          onChange={(event) => change({ emergency: event.currentTarget.checked })}
        />
      </div>
      <ProcedureField form={form} procedure={draft.procedure} error={error('procedure')} onChange={(procedure) => change({ procedure, place: { is: 'any' } })} />
      {form.facilities.length > 1 && (
        <Select
          className={css.whole ?? ''} label={t('order.facility')} allowDeselect={false} searchable filter={byWords} value={draft.facility} error={error('facility')}
          data={form.facilities.map(({ code, name }) => ({ value: code, label: name }))} onChange={(facility) => change({ facility, place: { is: 'any' } })}
        />
      )}
      <Select
        className={css.whole ?? ''} label={t('order.place')} allowDeselect={false} searchable selectFirstOptionOnChange error={error('station')}
        filter={byWords} value={draft.procedure?.modality ? placeText(draft.place) : null} data={usePlaces(draft, form)} disabled={!draft.procedure?.modality}
        onChange={(value) => value && change({ place: placeFrom(value) })}
      />
      <DayInput label={t('order.day')} showLabel width="100%" value={draft.day || null} onChange={(day) => change({ day: day ?? '' })} onWrong={() => change({ day: '' })} />
      <TextInput
        label={t('order.time')} value={draft.time} error={error('scheduledAt')} inputMode="numeric"
        onChange={(event) => change({ time: event.currentTarget.value })} onBlur={() => change({ time: parseClock(draft.time) ?? draft.time })}
      />
      <TextInput
        className={css.whole ?? ''} label={t('order.referring')} value={draft.referring} error={error('referringPhysician')} autoComplete="off"
        onChange={(event) => change({ referring: event.currentTarget.value })}
      />
      <TextInput
        className={css.whole ?? ''} label={t('order.reason')} value={draft.reason} error={error('reason')} autoComplete="off"
        onChange={(event) => change({ reason: event.currentTarget.value })}
      />
    </fieldset>
  );
}

/** The facility's rooms and devices for the procedure's modality; first, any of them. */
function usePlaces({ procedure, facility }: Draft, form: OrderForm): { value: string; label: string }[] {
  const { t } = useTranslation();
  const modality = procedure?.modality ?? '';
  const stations = form.stations.filter((station) => station.modality === modality && (station.facility === null || station.facility === facility));
  const rooms = form.rooms.filter((room) => room.facility === facility && (room.modality === null || room.modality === modality));
  const roomName = (code: string | null): string => rooms.find((room) => room.code === code)?.name ?? code ?? '';
  return [
    { value: placeText({ is: 'any' }), label: t('order.anyStation', { modality }) },
    ...rooms.map(({ code, name }) => ({ value: placeText({ is: 'room', room: code }), label: name })),
    ...stations.map(({ aeTitle, room }) => ({ value: placeText({ is: 'station', aeTitle }), label: [aeTitle, roomName(room)].filter(Boolean).join(' · ') })),
  ];
}

const placeText = (place: Place): string => (place.is === 'any' ? 'any' : place.is === 'station' ? `ae:${place.aeTitle}` : `room:${place.room}`);

function placeFrom(text: string): Place {
  if (text.startsWith('ae:')) return { is: 'station', aeTitle: text.slice(3) };
  return text.startsWith('room:') ? { is: 'room', room: text.slice(5) } : { is: 'any' };
}
