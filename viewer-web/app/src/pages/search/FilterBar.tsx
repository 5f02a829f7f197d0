import { Select, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { DayInput } from '~/ui/DayInput';
import { periods, setSearch, useSearchState, type Period } from './searchState';
import css from './SearchPage.module.css';

const modalities = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'XA', 'RF', 'NM', 'PT', 'ES', 'ECG', 'OT'];

/** The search box and the two filters; what is typed is searched at once. */
export function FilterBar({ box, children }: { box: RefObject<HTMLInputElement | null>; children: ReactNode }) {
  const { t } = useTranslation();
  const { modality, period, from, to } = useSearchState();
  return (
    <div className={css.filters}>
      <SearchBox box={box} />
      <Select
        className={css.modality ?? ''} aria-label={t('search.modality')} placeholder={t('search.anyModality')} clearable searchable
        data={modalities} value={modality} onChange={(value) => setSearch({ modality: value })}
      />
      <Select
        className={css.period ?? ''} aria-label={t('field.date')} allowDeselect={false} value={period}
        data={periods.map((value) => ({ value, label: t(`search.period.${value}`) }))}
        onChange={(value) => value && setSearch({ period: value as Period })}
      />
      {period === 'range' && (
        <>
          <DayInput label={t('search.from')} value={from} onChange={(value) => setSearch({ from: value })} />
          <DayInput label={t('search.to')} value={to} onChange={(value) => setSearch({ to: value })} />
        </>
      )}
      <span className={css.space} />
      {children}
    </div>
  );
}

function SearchBox({ box }: { box: RefObject<HTMLInputElement | null> }) {
  const { t } = useTranslation();
  const { typed } = useSearchState();
  const [text, setText] = useState(typed);
  // The box shows every key at once; the list follows a breath later.
  useEffect(() => {
    if (text === typed) return undefined;
    const wait = setTimeout(() => setSearch({ typed: text }), 120);
    return () => clearTimeout(wait);
  }, [text, typed]);
  useEffect(() => setText(typed), [typed]);
  return (
    <TextInput
      ref={box} className={css.box ?? ''} aria-label={t('nav.search')} placeholder={t('search.placeholder')} autoFocus
      autoComplete="off" autoCorrect="off" spellCheck={false} enterKeyHint="search"
      leftSection={<IconSearch size={15} />} value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        // What was selected belonged to other words.
        setSearch({ selected: null });
      }}
      rightSection={text === '' ? <kbd>/</kbd> : (
        <button type="button" className={css.clear} aria-label={t('action.clear')} onClick={() => setText('')}><IconX size={14} /></button>
      )}
    />
  );
}
