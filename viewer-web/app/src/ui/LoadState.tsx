import { Button, Loader } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useProblemText } from './useProblemText';
import css from './ui.module.css';

/** Nothing for a moment, then a sign of life, then a word that it is slow: fast answers never flicker. */
export function Loading() {
  const { t } = useTranslation();
  const [stage, setStage] = useState<'quiet' | 'busy' | 'slow'>('quiet');
  useEffect(() => {
    const busy = setTimeout(() => setStage('busy'), 250);
    const slow = setTimeout(() => setStage('slow'), 4000);
    return () => {
      clearTimeout(busy);
      clearTimeout(slow);
    };
  }, []);
  if (stage === 'quiet') return null;
  return (
    <div className={css.state} role="status">
      <Loader size={18} color="gray" />
      <span>{stage === 'slow' ? t('state.slow') : t('state.loading')}</span>
    </div>
  );
}

/** Why it could not be loaded, and the way to try again. */
export function LoadFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation();
  const why = useProblemText(error);
  return (
    <div className={css.state} role="alert">
      <strong>{t('state.failed')}</strong>
      <span>{why}</span>
      <Button variant="default" onClick={onRetry}>{t('state.retry')}</Button>
    </div>
  );
}

/** A list with nothing in it, which says what to do about that. */
export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className={css.state}>
      <strong>{title}</strong>
      {hint && <span>{hint}</span>}
      {children}
    </div>
  );
}
