import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { day, parseDay } from '~/format/dates';

interface Props {
  id?: string;
  label: string;
  value: string | null;
  onChange: (isoDay: string | null) => void;
  /** Told of text that is no day, where it must not be taken for an empty field; without it that is `null`, once the field is left. */
  onWrong?: (text: string) => void;
  /** The label stands over the field instead of being its name only. */
  showLabel?: boolean;
  error?: string | null;
  width?: number | string;
  disabled?: boolean;
  required?: boolean;
}

/** A day typed as people write it: 23/11/2026, 23112026; the value is `yyyy-MM-dd`. */
export function DayInput({ id, label, value, onChange, onWrong, showLabel = false, error = null, width = 110, disabled = false, required = false }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState(day(value));
  const [left, setLeft] = useState(false);
  useEffect(() => {
    setText((typed) => (parseDay(typed) === value || typed === value ? typed : day(value)));
  }, [value]);
  const wrong = left && text.trim() !== '' && parseDay(text) === null;
  return (
    <TextInput
      {...(id === undefined ? {} : { id })} label={showLabel ? label : undefined} aria-label={label} placeholder={showLabel ? t('order.birthHint') : label} w={width}
      inputMode="numeric" required={required} value={text} disabled={disabled} error={wrong ? t('order.error.date') : error}
      onChange={(event) => {
        setText(event.currentTarget.value);
        setLeft(false);
        const parsed = parseDay(event.currentTarget.value);
        if (parsed !== null || event.currentTarget.value.trim() === '') onChange(parsed);
        else onWrong?.(event.currentTarget.value);
      }}
      onBlur={() => {
        setLeft(true);
        const parsed = parseDay(text);
        if (parsed !== null) setText(day(parsed));
        else if (text.trim() !== '' && !onWrong) onChange(null);
      }}
    />
  );
}
