import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFault } from '~/ui/useFault';
import css from './CorrectionsPage.module.css';

interface Props {
  busy: boolean;
  failure: Error | null;
  onPart: (reason: string, onParted: () => void) => void;
}

/** The order that the exam is matched to, by a person or by rule, can be taken from it. */
export function Matching({ busy, failure, onPart }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const [reason, setReason] = useState('');
  const part = (): void => {
    if (!busy) onPart(reason.trim(), () => setReason(''));
  };
  return (
    <section className={css.matching} aria-label={t('corrections.matching.text')}>
      <p>{t('corrections.matching.text')}</p>
      <div>
        <TextInput
          aria-label={t('corrections.matching.reason')} placeholder={t('corrections.matching.reason')} value={reason} error={faultOf(failure, 'reason')}
          onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Enter' && !event.nativeEvent.isComposing && !event.ctrlKey && part()}
        />
        <Button variant="default" disabled={busy} onClick={part}>{t('corrections.matching.part')}</Button>
      </div>
    </section>
  );
}
