import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { instancesOf, type Series } from '~/api/dicomweb';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { Thumbnail } from '~/ui/Thumbnail';
import { numbersIn } from './numbers';
import css from './CorrectionsPage.module.css';

interface Props {
  series: Series;
  /** Null: the whole series. */
  chosen: readonly string[] | null;
  onChoose: (instances: readonly string[] | null) => void;
}

/** Single images of a series: by their numbers, or by a click on each. What names none of them never stands for all. */
export function InstancePicker({ series, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['instances', series.studyUid, series.seriesUid], queryFn: ({ signal }) => instancesOf(series.studyUid, series.seriesUid, signal), staleTime: 0 });
  const [typed, setTyped] = useState('');
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <LoadFailed error={query.error} onRetry={() => void query.refetch()} />;
  const rows = query.data;
  const type = (text: string): void => {
    setTyped(text);
    const meant = numbersIn(text, rows.flatMap(({ number }) => number ?? [])) ?? [];
    onChoose(text.trim() === '' ? null : rows.filter(({ number }) => number !== null && meant.includes(number)).map(({ instanceUid }) => instanceUid));
  };
  const toggle = (uid: string): void => {
    setTyped('');
    onChoose(chosen?.includes(uid) ? chosen.filter((other) => other !== uid) : [...(chosen ?? []), uid]);
  };
  return (
    <>
      <TextInput
        className={css.level ?? ''} label={t('corrections.pickImages')} placeholder={t('corrections.pickImagesHint')} value={typed} autoComplete="off" spellCheck={false}
        error={numbersIn(typed, []) === null ? t('corrections.error.invalid') : chosen?.length === 0 ? t('corrections.pickImagesNone') : null}
        onChange={(event) => type(event.currentTarget.value)}
      />
      {chosen && <div><Button variant="default" size="compact-xs" onClick={() => type('')}>{t('corrections.pickWhole')}</Button></div>}
      <div className={css.images}>
        {rows.map(({ instanceUid, number }, at) => (
          <button key={instanceUid} type="button" tabIndex={-1} className={css.image} aria-pressed={chosen?.includes(instanceUid) ?? false} onClick={() => toggle(instanceUid)}>
            <Thumbnail series={series} instance={instanceUid} />
            <span>{number ?? `#${at + 1}`}</span>
          </button>
        ))}
      </div>
    </>
  );
}
