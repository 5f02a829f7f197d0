import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import { server } from '~/api/server';
import type { Study, StudyWithPriors } from '~/api/types';
import { dayAndClock } from '~/format/dates';
import { personName } from '~/format/person';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './CorrectionsPage.module.css';

interface Props {
  study: StudyWithPriors;
  chosen: Study | null;
  onChoose: (study: Study) => void;
}

/** The exam that images go to: the patient's others first, any other by what one types. */
export function TargetPicker({ study, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const [typed, setTyped] = useState('');
  const [rested] = useDebouncedValue(typed.trim(), 150);
  const found = useQuery({
    queryKey: ['corrections', 'target', rested], enabled: rested !== '',
    queryFn: ({ signal }) => server.studies({ q: rested, modality: null, from: null, to: null }, null, 20, signal),
  });
  const rows = (rested === '' ? study.priors : found.data?.items ?? []).filter(({ studyUid }) => studyUid !== study.studyUid);
  return (
    <div>
      <TextInput aria-label={t('corrections.targetFind')} placeholder={t('corrections.targetFind')} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      {rested === '' && rows.length > 0 && <p className={css.dim}>{t('corrections.targetSame')}</p>}
      {rested !== '' && found.data && rows.length === 0 && <p className={css.dim}>{t('corrections.targetNone')}</p>}
      {rested !== '' && found.isPending && <Loading />}
      {rested !== '' && found.isError && !found.data && <LoadFailed error={found.error} onRetry={() => void found.refetch()} />}
      <div className={css.targets} role="radiogroup" aria-label={t('corrections.target')}>
        {rows.map((row) => (
          <label key={row.studyUid} className={css.target} data-chosen={row.studyUid === chosen?.studyUid || undefined}>
            <input type="radio" name="target" checked={row.studyUid === chosen?.studyUid} onChange={() => onChoose(row)} />
            <b className="cut">{personName(row.patient.name) || t('field.unknown')}</b>
            <span className="cut">{[row.patient.id, short(row.patient)].filter(Boolean).join(' · ')}</span>
            <span>{mainModalities(row.modalities)}</span>
            <span className="cut">{[row.accessionNumber, row.description].filter(Boolean).join(' · ')}</span>
            <span>{dayAndClock(row.studyDate, row.studyTime)}</span>
          </label>
        ))}
      </div>
    </div>
  );
}
