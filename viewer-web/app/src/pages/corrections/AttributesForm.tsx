import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { Correctable, CorrectionForm } from '~/api/correctionTypes';
import type { StudyWithPriors } from '~/api/types';
import { AttributeInput } from './AttributeInput';
import { changed, isNoDay } from './fields';
import { Preview } from './Preview';
import { previewKey } from './useCorrections';
import { useFault } from '~/ui/useFault';
import css from './CorrectionsPage.module.css';

interface Props {
  study: StudyWithPriors;
  correctable: Correctable;
  busy: boolean;
  failure: Error | null;
  onSave: (form: CorrectionForm, onSaved: () => void) => void;
}

/** Sửa thông tin: every value that may be corrected, what it becomes, and why. */
export function AttributesForm({ study, correctable, busy, failure, onSave }: Props) {
  const { t } = useTranslation();
  const [level, setLevel] = useState('');
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [reason, setReason] = useState('');
  const series = correctable.series.find(({ uid }) => uid === level);
  const { attributes } = series ?? correctable.study;
  const changes = useMemo(() => changed(attributes, typed), [attributes, typed]);
  const form = useMemo((): CorrectionForm => ({ ...(series ? { seriesUid: series.uid } : {}), attributes: changes }), [series, changes]);
  const [rested] = useDebouncedValue(form, 250);
  const some = Object.keys(changes).length > 0;
  const wrong = attributes.some(({ keyword }) => keyword in changes && isNoDay(keyword, typed[keyword] ?? ''));
  const ready = some && !wrong && !busy && reason.trim() !== '';
  const preview = useQuery({
    queryKey: [previewKey, study.studyUid, rested], queryFn: ({ signal }) => server.previewCorrection(study.studyUid, rested, signal),
    enabled: some && !wrong && rested === form, retry: false, staleTime: 0,
  });
  const faultOf = useFault();
  const problem = failure instanceof Problem ? failure : preview.error instanceof Problem ? preview.error : null;
  const save = (): void => {
    if (!ready) return;
    onSave({ ...form, reason }, () => {
      setTyped({});
      setReason('');
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    save();
  };
  const levels = [
    { value: '', label: t('corrections.ofStudy') },
    ...correctable.series.map((one) => {
      const value = (keyword: string): string => one.attributes.find((attribute) => attribute.keyword === keyword)?.value ?? '';
      const what = [value('Modality'), value('SeriesDescription') || value('BodyPartExamined')].filter(Boolean).join(' · ');
      return { value: one.uid, label: t('corrections.ofSeries', { number: value('SeriesNumber'), what }) };
    }),
  ];
  return (
    <div className={css.form} onKeyDown={onKeyDown}>
      <NativeSelect
        size="xs" className={css.level ?? ''} label={t('corrections.level')} value={level} data={levels}
        onChange={(event) => {
          setLevel(event.currentTarget.value);
          setTyped({});
        }}
      />
      <div className={css.fields}>
        {attributes.map((attribute) => (
          <AttributeInput
            key={attribute.keyword} attribute={attribute} typed={typed[attribute.keyword]} error={faultOf(problem, attribute.keyword)}
            onType={(text) => setTyped((before) => ({ ...before, [attribute.keyword]: text }))}
          />
        ))}
      </div>
      {!wrong && <Preview some={some} effect={preview.data} error={preview.error} onRetry={() => void preview.refetch()} />}
      <div className={css.foot}>
        <TextInput
          className={css.reason ?? ''} label={t('corrections.reason')} placeholder={t('corrections.reasonHint')} required value={reason}
          error={faultOf(failure, 'reason')} onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Button disabled={!ready} onClick={save} rightSection={<kbd>Ctrl Enter</kbd>}>{t('corrections.save')}</Button>
      </div>
      <p className={css.dim}>{t('corrections.kept')}</p>
    </div>
  );
}
