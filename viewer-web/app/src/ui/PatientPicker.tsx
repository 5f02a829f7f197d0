import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type KeyboardEvent, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { KnownPatient } from '~/api/types';
import { personName } from '~/format/person';
import { usePatientWords } from './usePatientWords';
import { useProblemText } from './useProblemText';
import css from './ui.module.css';

interface Props {
  label: string;
  /** Not offered: whoever is on the screen already. */
  except: number | null;
  onPick: (patient: KnownPatient) => void;
  box?: RefObject<HTMLInputElement | null>;
}

/** A box that finds one patient on record, by words of the name or a number. */
export function PatientPicker({ label, except, onPick, box }: Props) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const { data, error } = useQuery({
    queryKey: ['patients', wanted], queryFn: ({ signal }) => server.patients(wanted, signal), enabled: wanted.length >= 2, staleTime: 10_000,
  });
  // Nobody found and nobody asked are not the same.
  const why = useProblemText(error);
  const isAsked = wanted.length >= 2 && wanted === text.trim();
  const list = useCombobox({ onDropdownClose: () => list.resetSelectedOption() });
  const open = isAsked && data !== undefined;
  // What was found for other text is nobody's answer to this one, even to an Enter that comes before its own.
  const found = open ? data.items.filter(({ recordId }) => recordId !== except) : [];
  const [isAwaited, setAwaited] = useState(false);
  useEffect(() => {
    if (open) list.selectFirstOption();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [open, data]);
  const pick = (patient: KnownPatient): void => {
    onPick(patient);
    type('');
    list.closeDropdown();
  };
  const type = (typed: string): void => {
    setText(typed);
    setAwaited(false);
  };
  const choose = (key: string): void => {
    const patient = found.find(({ recordId }) => String(recordId) === key);
    if (patient) pick(patient);
  };
  // A scanner sends Enter sooner than any list follows: it counts once the answer is there, where that is one person.
  const [only] = found;
  useEffect(() => {
    if (!isAwaited || !open) return;
    setAwaited(false);
    if (only && found.length === 1) pick(only);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isAwaited, open, data]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || open || text.trim().length < 2) return;
    event.preventDefault();
    setAwaited(true);
  };
  return (
    <Combobox store={list} onOptionSubmit={choose}>
      <Combobox.Target>
        <TextInput
          ref={box} label={label} placeholder={t('record.find')} autoComplete="off" spellCheck={false} value={text}
          error={isAsked && error && data === undefined ? t('record.notAsked', { why }) : null}
          onChange={(event) => {
            type(event.currentTarget.value);
            list.openDropdown();
          }}
          onFocus={() => list.openDropdown()} onBlur={() => list.closeDropdown()} onKeyDown={onKeyDown}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!open}>
        <Combobox.Options mah={240} style={{ overflowY: 'auto' }}>
          {found.map((patient) => (
            <Combobox.Option key={patient.recordId} value={String(patient.recordId)}>
              <span className={css.twoLines}>
                <span className={css.strong}>{personName(patient.name)}</span>
                <span>{[short(patient), patient.id, patient.issuer].filter(Boolean).join(' · ')}</span>
              </span>
            </Combobox.Option>
          ))}
          {open && found.length === 0 && <Combobox.Empty>{t('record.notFound')}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
