import { NativeSelect, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { CorrectableAttribute } from '~/api/correctionTypes';
import { day } from '~/format/dates';
import { DayInput } from '~/ui/DayInput';
import { kindOf, readable } from './fields';
import css from './CorrectionsPage.module.css';

interface Props {
  attribute: CorrectableAttribute;
  /** What was typed over the value, if anything. */
  typed: string | undefined;
  /** What the server finds wrong with it. */
  error: string | null;
  onType: (text: string) => void;
}

/** One value, typed as people write it; below it what the device had sent, where that was corrected. */
export function AttributeInput({ attribute, typed, error, onType }: Props) {
  const { t } = useTranslation();
  const { keyword, value, sent } = attribute;
  const kind = kindOf(keyword);
  const label = t(`corrections.field.${keyword}`);
  const stands = readable(keyword, value);
  const text = typed ?? stands;
  const before = readable(keyword, sent);
  const shown = kind === 'date' ? day(before) : before;
  const note = value === sent ? null : <span className={css.sent}>{sent ? t('corrections.sent', { value: shown }) : t('corrections.sentNone')}</span>;
  const edited = text.trim() === stands ? undefined : true;
  const choices = kind === 'sex' ? (['M', 'F', 'O'] as const).map((one) => ({ value: one, label: t(`exam.sex.${one}`) })) : (['L', 'R'] as const).map((one) => ({ value: one, label: t(`corrections.side.${one}`) }));
  return (
    <div className={css.field} data-edited={edited}>
      {kind === 'date' ? <DayInput label={label} showLabel width="100%" value={text || null} error={error} onChange={(iso) => onType(iso ?? '')} onWrong={onType} />
        : kind === 'sex' || kind === 'side' ? <NativeSelect size="xs" label={label} value={text} error={error} data={[{ value: '', label: '–' }, ...choices]} onChange={(event) => onType(event.currentTarget.value)} />
          : <TextInput label={label} value={text} error={error} autoComplete="off" spellCheck={false} onChange={(event) => onType(event.currentTarget.value)} />}
      {note}
    </div>
  );
}
