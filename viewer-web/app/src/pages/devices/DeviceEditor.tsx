import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import type { DeviceForm } from '~/api/types';
import { useLatest } from '~/ui/useLatest';
import { useProblemText } from '~/ui/useProblemText';
import css from './DevicesPage.module.css';
import { formOf, type Draft, type ErrorKey, type FieldErrors } from './draft';

interface Props {
  start: Draft;
  isNew: boolean;
  facilities: readonly string[];
  failure: Error | null;
  busy: boolean;
  onSave: (aeTitle: string, form: DeviceForm) => void;
  onCancel: () => void;
  /** Whether something was typed that is not saved. */
  onDirty: (isDirty: boolean) => void;
}

/** Character sets that consoles have; whatever else is typed is sent as typed. */
const characterSets = ['ISO_IR 6', 'ISO_IR 100', 'ISO_IR 101', 'ISO_IR 144', 'ISO_IR 166', 'ISO_IR 192', 'GB18030'];

/** The form of a device. Ctrl+Enter saves, Esc leaves. */
export function DeviceEditor({ start, isNew, facilities, failure, busy, onSave, onCancel, onDirty }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(start);
  const [typedWrong, setTypedWrong] = useState<FieldErrors>({});
  const why = useProblemText(failure, t('devices.taken'));
  const told = failure instanceof Problem ? (failure.fields as FieldErrors) : {};
  const errors: FieldErrors = { ...told, ...typedWrong };
  const change = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setTypedWrong({});
  };
  const submit = (): void => {
    const { form, errors: found } = formOf(draft);
    setTypedWrong(found);
    if (form && !busy) onSave(draft.aeTitle.trim(), form);
  };
  useEditorKeys(submit, onCancel);
  const isDirty = JSON.stringify(draft) !== JSON.stringify(start);
  useEffect(() => {
    onDirty(isDirty);
    return () => onDirty(false);
  }, [isDirty, onDirty]);
  const words = (key: ErrorKey | undefined): string | null => (key ? t(`devices.error.${key}`) : null);
  const text = (field: TextField, label: string, more: { hint?: string; whole?: boolean; disabled?: boolean; numeric?: boolean; focus?: boolean } = {}): ReactNode => (
    <TextInput
      className={more.whole ? (css.whole ?? '') : ''} label={label} value={draft[field]} error={words(errors[field])} placeholder={more.hint ?? ''} disabled={more.disabled ?? false}
      inputMode={more.numeric ? 'numeric' : 'text'} autoComplete="off" spellCheck={false} data-autofocus={more.focus || undefined} autoFocus={more.focus ?? false}
      onChange={(event) => change({ [field]: event.currentTarget.value })}
    />
  );
  const box = (field: Flag, label: string): ReactNode => (
    <Checkbox className={css.whole ?? ''} label={label} checked={draft[field]} onChange={(event) => change({ [field]: event.currentTarget.checked })} />
  );
  return (
    <form className={css.form} onSubmit={(event) => { event.preventDefault(); submit(); }} aria-label={isNew ? t('devices.fresh') : draft.aeTitle}>
      <h3>{t('devices.group.what')}</h3>
      {text('aeTitle', t('devices.ae'), { disabled: !isNew, focus: isNew })}
      {text('modality', t('field.modality'), { focus: false })}
      {text('description', t('field.description'), { whole: true, focus: !isNew })}
      <Select
        label={t('field.facility')} data={[...new Set([...facilities, ...(draft.facility ? [draft.facility] : [])])]} value={draft.facility || null} clearable searchable
        error={words(errors.facility)} onChange={(facility) => change({ facility: facility ?? '' })}
      />
      {text('room', t('devices.room'))}
      <h3>{t('devices.group.connection')}</h3>
      {text('host', t('devices.host'), { hint: t('devices.field.hostHint'), whole: true })}
      {text('port', t('devices.port'), { numeric: true })}
      <Select
        label={t('devices.characterSet')} placeholder={t('devices.asAsked')} data={[...new Set([...characterSets, ...(draft.characterSet ? [draft.characterSet] : [])])]} clearable
        value={draft.characterSet || null} error={words(errors.characterSet)} onChange={(set) => change({ characterSet: set ?? '' })}
      />
      <h3>{t('devices.group.rules')}</h3>
      {box('requiresTls', t('devices.field.requiresTls'))}
      {text('certificate', t('devices.field.certificate'), { hint: t('devices.field.certificateHint'), whole: true })}
      {box('requiresUser', t('devices.field.requiresUser'))}
      {text('calledAe', t('devices.field.calledAe'), { hint: t('devices.field.calledAeHint'), whole: true })}
      {text('maxAssociations', t('devices.field.maxAssociations'), { hint: t('devices.field.usual'), numeric: true })}
      {text('maxAnswers', t('devices.field.maxAnswers'), { hint: t('devices.field.noLimit'), numeric: true })}
      <h3>{t('devices.group.worklist')}</h3>
      {box('worklistOwn', t('devices.field.worklistOwn'))}
      {text('worklistDays', t('devices.field.worklistDays'), { hint: t('devices.field.worklistDaysHint'), whole: true, numeric: true })}
      <h3>{t('devices.group.dealings')}</h3>
      {text('sendLimit', t('devices.field.sendLimit'), { numeric: true })}
      <Select
        label={t('devices.field.retrieveBy')} allowDeselect={false} value={draft.retrieveBy} error={words(errors.retrieveBy)}
        data={[{ value: 'move', label: 'C-MOVE' }, { value: 'get', label: 'C-GET' }]} onChange={(value) => value && change({ retrieveBy: value === 'get' ? 'get' : 'move' })}
      />
      {box('commitment', t('devices.field.commitment'))}
      {box('priors', t('devices.field.priors'))}
      {box('performedSteps', t('devices.field.performedSteps'))}
      {box('availability', t('devices.field.availability'))}
      <footer className={css.foot}>
        <Button type="submit" loading={busy}>{t('devices.save')} <kbd className={css.cap}>Ctrl ↵</kbd></Button>
        <Button variant="default" onClick={onCancel}>{t('devices.cancel')}</Button>
        {isDirty && !failure && <span className={css.dim}>{t('devices.unsaved')}</span>}
        {failure && Object.keys(told).length === 0 && <span role="alert" className={css.bad}>{why}</span>}
      </footer>
    </form>
  );
}

type Flag = { [K in keyof Draft]: Draft[K] extends boolean ? K : never }[keyof Draft];
type TextField = { [K in keyof Draft]: string extends Draft[K] ? K : never }[keyof Draft];

function useEditorKeys(onSave: () => void, onCancel: () => void): void {
  const latest = useLatest({ onSave, onCancel });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return;
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) latest.current.onSave();
      else if (event.key === 'Escape' && !document.querySelector('[role="listbox"]:not([hidden])')?.checkVisibility()) latest.current.onCancel();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [latest]);
}
