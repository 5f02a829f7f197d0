import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { IconScan } from '@tabler/icons-react';
import { useEffect, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { KnownPatient } from '~/api/types';
import { looksLikeCard, parseCard, type CardHolder } from '~/format/identityCard';
import { birthYear, personName } from '~/format/person';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './OrderPage.module.css';

interface Props {
  box: RefObject<HTMLInputElement | null>;
  text: string;
  onText: (text: string) => void;
  onKnown: (patient: KnownPatient) => void;
  /** A card of somebody who is not on record. */
  onCard: (card: CardHolder) => void;
  /** Enter on words that found nobody: these are the name of a new patient. */
  onNew: (name: string) => void;
}

/** One box for a name, a number, or the text of a scanned card; finds the patient or fills in a new one. */
export function PatientFinder({ box, text, onText, onKnown, onCard, onNew }: Props) {
  const { t } = useTranslation();
  const [settled] = useDebouncedValue(text.trim(), 150);
  const card = looksLikeCard(settled) ? parseCard(settled) : null;
  const wanted = card ? (card.nationalId ?? card.insuranceId ?? '') : settled;
  const { data, isFetching } = useQuery({
    queryKey: ['patients', wanted], queryFn: ({ signal }) => server.patients(wanted, signal), enabled: wanted.length >= 2, staleTime: 10_000,
  });
  const list = useCombobox({ onDropdownClose: () => list.resetSelectedOption() });
  const found = wanted.length >= 2 ? (data?.items ?? []) : [];

  useEffect(() => {
    if (!card || !data) return;
    const same = data.items.find((patient) => patient.nationalId === card.nationalId || patient.insuranceId === card.insuranceId);
    if (same) onKnown(same);
    else onCard(card);
    // A card is acted on once, when the answer for it is there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data, settled]);

  const open = wanted.length >= 2 && !card && data !== undefined && settled === text.trim();
  useEffect(() => {
    // Enter takes the first: the patient found, or the new one.
    if (open) list.selectFirstOption();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [open, data]);
  const choose = (id: string): void => {
    const patient = found.find((one) => keyOf(one) === id);
    if (patient) onKnown(patient);
    else if (id === newKey) onNew(text.trim());
    list.closeDropdown();
  };
  return (
    <Combobox store={list} onOptionSubmit={choose}>
      <Combobox.Target>
        <TextInput
          ref={box} aria-label={t('order.find')} placeholder={t('order.find')} autoFocus autoComplete="off" spellCheck={false}
          leftSection={<IconScan size={16} />} value={text}
          onChange={(event) => {
            onText(event.currentTarget.value);
            list.openDropdown();
          }}
          onFocus={() => list.openDropdown()} onBlur={() => list.closeDropdown()}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!open}>
        <Combobox.Options mah={280} style={{ overflowY: 'auto' }}>
          {found.map((patient) => <Combobox.Option key={keyOf(patient)} value={keyOf(patient)}><Found patient={patient} /></Combobox.Option>)}
          {found.length === 0 && !isFetching && (
            <Combobox.Option value={newKey}><b>{text.trim()}</b> <span className={css.dim}>{t('order.notFound')}</span></Combobox.Option>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

const newKey = 'new';
const keyOf = ({ id, issuer }: KnownPatient): string => `${issuer ?? ''}|${id}`;

function Found({ patient }: { patient: KnownPatient }) {
  const { sex } = usePatientWords();
  return (
    <span className={css.found}>
      <b>{personName(patient.name)}</b>
      <span>{birthYear(patient.birthDate)}</span>
      <span>{sex(patient)}</span>
      <span>{patient.id}</span>
      <span className={css.dim}>{patient.nationalId ?? patient.insuranceId}</span>
    </span>
  );
}
