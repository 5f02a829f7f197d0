import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ImagingRecord, KnownPatient } from '~/api/types';
import { instant } from '~/format/dates';
import { actorName, personName } from '~/format/person';
import { PatientPicker } from '~/ui/PatientPicker';
import { useFault } from '~/ui/useFault';
import { usePatientWords } from '~/ui/usePatientWords';
import type { RecordActs } from './useRecordActs';
import css from './RecordPage.module.css';

/** Records that were merged into this one, each with its way out; and another one to be merged. */
export function Mergers({ record, acts }: { record: ImagingRecord; acts: RecordActs }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const faultOf = useFault();
  const [reason, setReason] = useState('');
  return (
    <section>
      {record.merged.length > 0 && <h2>{t('record.merged')}</h2>}
      {record.merged.map((merged) => {
        const name = personName(merged.patient.name) || t('field.unknown');
        return (
          <article key={merged.recordId} className={css.merged}>
            <div>
              <b>{name}</b>
              <span>{[short(merged.patient), merged.patient.id, merged.patient.issuer].filter(Boolean).join(' · ')}</span>
              <span className={css.dim}>{t('record.mergedCount', { count: merged.studyCount })}</span>
              <span className={css.dim}>{[merged.by && actorName(merged.by), instant(merged.at), merged.reason].filter(Boolean).join(' · ')}</span>
            </div>
            {record.mayReconcile && <Button variant="default" disabled={acts.busy} onClick={() => acts.part(merged.recordId, record.recordId, name, merged.reason ?? '', reason.trim(), () => setReason(''))}>{t('record.unmerge')}</Button>}
          </article>
        );
      })}
      {record.mayReconcile && record.merged.length > 0 && (
        <TextInput className={css.whyPart ?? ''} label={t('record.unmergeReason')} value={reason} error={faultOf(acts.failureOf('part'), 'reason')} onChange={(event) => setReason(event.currentTarget.value)} />
      )}
      {record.mayReconcile && <Merge record={record} acts={acts} />}
    </section>
  );
}

function Merge({ record, acts }: { record: ImagingRecord; acts: RecordActs }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const faultOf = useFault();
  const [picked, setPicked] = useState<KnownPatient | null>(null);
  const [reason, setReason] = useState('');
  const name = personName(picked?.name) || t('field.unknown');
  const merge = (): void => {
    if (!picked || acts.busy) return;
    acts.merge(picked.recordId, record.recordId, name, reason.trim(), () => {
      setPicked(null);
      setReason('');
    });
  };
  return (
    <>
      <PatientPicker label={t('record.mergeFind')} except={record.recordId} onPick={setPicked} />
      {picked ? (
        <article className={css.merged}>
          <div>
            <b>{name}</b>
            <span>{[short(picked), picked.id, picked.issuer].filter(Boolean).join(' · ')}</span>
            <TextInput label={t('record.mergeReason')} value={reason} error={faultOf(acts.failureOf('merge'), 'reason')} autoFocus onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Enter' && !event.nativeEvent.isComposing && merge()} />
            <Button disabled={acts.busy} onClick={merge} rightSection={<kbd>Enter</kbd>}>{t('record.mergeWith')}</Button>
          </div>
        </article>
      ) : <p className={css.hint}>{t('record.mergeHint')}</p>}
    </>
  );
}
