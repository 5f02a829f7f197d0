import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Sex } from '~/api/types';
import { personName } from '~/format/person';
import { DayInput } from '~/ui/DayInput';
import type { Draft, Field } from './draft';
import { fieldIds } from './fieldIds';
import css from './OrderPage.module.css';

interface Props {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  error: (field: Field) => string | null;
  onOther: () => void;
}

/** Who the order is for. A patient on record is not changed here. */
export function PatientFields({ draft, change, error, onOther }: Props) {
  const { t } = useTranslation();
  const fixed = draft.known !== null;
  return (
    <fieldset className={css.fields} data-known={fixed || undefined}>
      <div className={css.legend}>
        <b>{t('field.patient')}</b>
        <span>{fixed ? t('order.known') : draft.fromCard ? t('order.fromCard') : draft.name ? t('order.fresh') : ''}</span>
        {fixed && <Button variant="subtle" size="compact-xs" onClick={onOther}>{t('order.other')}</Button>}
      </div>
      <TextInput
        className={css.whole ?? ''} label={t('order.name')} required={!draft.emergency} placeholder={draft.emergency ? t('order.nameHint') : ''} value={fixed ? personName(draft.name) : draft.name} disabled={fixed} error={error('name')}
        autoComplete="off" spellCheck={false} onChange={(event) => change({ name: event.currentTarget.value })}
        onBlur={() => change({ name: draft.name.trim().toUpperCase() })}
      />
      <DayInput
        id={fieldIds.birthDate} label={t('order.birth')} showLabel required={!draft.emergency} width="100%" value={draft.birthDate} disabled={fixed} error={error('birthDate')}
        onChange={(birthDate) => change({ birthDate })} onWrong={() => change({ birthDate: null })}
      />
      {fixed ? <TextInput label={t('field.sex')} value={draft.sex ? t(`exam.sex.${draft.sex}`) : ''} disabled /> : (
        <div>
          <div className={css.label}>{t('field.sex')}{draft.emergency ? '' : ' *'}</div>
          <SegmentedControl
            fullWidth value={draft.sex ?? ''} aria-label={t('field.sex')}
            data={(['M', 'F', 'O'] as const).map((value) => ({ value, label: t(`exam.sex.${value}`) }))}
            onChange={(value) => change({ sex: value as Sex })}
          />
          {error('sex') && <div className={css.error}>{error('sex')}</div>}
        </div>
      )}
      <TextInput
        label={t('field.patientId')} placeholder={t('order.patientIdHint')} value={draft.patientId} disabled={fixed} error={error('patientId')}
        autoComplete="off" onChange={(event) => change({ patientId: event.currentTarget.value })}
      />
      <TextInput
        label={t('order.nationalId')} value={draft.nationalId} disabled={fixed} error={error('nationalId')} inputMode="numeric"
        autoComplete="off" onChange={(event) => change({ nationalId: event.currentTarget.value })}
      />
      <TextInput
        label={t('order.insuranceId')} value={draft.insuranceId} disabled={fixed} error={error('insuranceId')}
        autoComplete="off" onChange={(event) => change({ insuranceId: event.currentTarget.value.toUpperCase() })}
      />
    </fieldset>
  );
}
