import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Study, StudyWithPriors } from '~/api/types';
import { useSaveKey } from '~/ui/useSaveKey';
import { Plan } from './Plan';
import { TargetPicker } from './TargetPicker';
import { useFault } from '~/ui/useFault';
import css from './CorrectionsPage.module.css';

interface Props {
  study: StudyWithPriors;
  busy: boolean;
  failure: Error | null;
  onMerge: (to: string, reason: string) => void;
}

/** Gộp ca: all of this exam into another. */
export function MergeForm({ study, busy, failure, onMerge }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const [target, setTarget] = useState<Study | null>(null);
  const [reason, setReason] = useState('');
  const ready = target !== null && reason.trim() !== '' && !busy;
  const merge = (): void => {
    if (ready) onMerge(target.studyUid, reason);
  };
  useSaveKey(merge);
  return (
    <div className={css.form}>
      <p>{t('corrections.mergeHint')}</p>
      <h3>{t('corrections.mergeInto')}</h3>
      <TargetPicker study={study} chosen={target} onChoose={setTarget} />
      {target && <Plan series={study.seriesCount} images={study.instanceCount} single={false} from={study} to={target} />}
      <div className={css.foot}>
        <TextInput className={css.reason ?? ''} label={t('corrections.reason')} placeholder={t('corrections.reasonHint')} required value={reason} error={faultOf(failure, 'reason')} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button disabled={!ready} onClick={merge} rightSection={<kbd>Ctrl Enter</kbd>}>{t('corrections.mergeButton')}</Button>
      </div>
    </div>
  );
}
