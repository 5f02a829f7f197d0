import { Select } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { OrderForm, Procedure } from '~/api/types';
import { hasWords } from '~/format/fold';
import { fieldIds } from './fieldIds';
import css from './OrderPage.module.css';

interface Props {
  form: OrderForm;
  procedure: Procedure | null;
  onChange: (procedure: Procedure | null) => void;
  error: string | null;
}

/** Kinds of device to choose from while neither catalogue nor devices name any. */
const usualModalities = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'XA', 'RF', 'NM', 'PT', 'ES', 'ECG'];
const free = 'free:';

/** A procedure of the catalogue, found by words without marks; or one in the clerk's own words, for which the modality is asked. */
export function ProcedureField({ form, procedure, onChange, error }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const ownWords = procedure !== null && procedure.code === '';
  const choices = form.procedures.map(({ code, name, modality }) => ({ value: code, label: `${modality} · ${name}` }));
  const offered = typed.trim() !== '' && !choices.some(({ label }) => label === typed) ? [{ value: free + typed.trim(), label: typed.trim() }] : [];
  const chosen = ownWords ? [{ value: free + procedure.name, label: procedure.name }] : [];
  const choose = (value: string | null): void => {
    if (value?.startsWith(free)) onChange({ code: '', name: value.slice(free.length), modality: '' });
    else onChange(form.procedures.find(({ code }) => code === value) ?? null);
  };
  return (
    <>
      <Select
        id={fieldIds.procedure} className={ownWords ? '' : (css.whole ?? '')} label={t('field.procedure')} placeholder={t('order.procedureFind')} required searchable selectFirstOptionOnChange
        error={error} maxDropdownHeight={280} value={ownWords ? free + procedure.name : (procedure?.code ?? null)} onChange={choose}
        searchValue={typed} onSearchChange={setTyped} data={[...choices, ...(ownWords ? chosen : offered)]}
        filter={({ options, search }) => {
          const all = options as { value: string; label: string }[];
          const found = all.filter(({ value, label }) => !value.startsWith(free) && hasWords(`${value} ${label}`, search));
          return [...found, ...all.filter(({ value }) => value.startsWith(free))];
        }}
        renderOption={({ option }) => (option.value.startsWith(free) ? <span>{option.label} <span className={css.dim}>{t('order.ownWords')}</span></span> : option.label)}
      />
      {ownWords && (
        <Select
          label={t('field.modality')} required searchable selectFirstOptionOnChange data={form.modalities.length > 0 ? form.modalities : usualModalities}
          value={procedure.modality || null} onChange={(modality) => onChange({ ...procedure, modality: modality ?? '' })}
        />
      )}
    </>
  );
}
