import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import type { CorrectionEffect, ValueChange } from '~/api/correctionTypes';
import { day } from '~/format/dates';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { kindOf, readable } from './fields';
import css from './CorrectionsPage.module.css';

interface Props {
  /** Whether anything was changed. */
  some: boolean;
  effect: CorrectionEffect | undefined;
  error: Error | null;
  onRetry: () => void;
}

/** What a correction will do: each value before and after, and where the exam will belong. */
export function Preview({ some, effect, error, onRetry }: Props) {
  const { t } = useTranslation();
  if (!some) return <p className={css.dim}>{t('corrections.nothing')}</p>;
  // A value that is not right says so at its field.
  if (error instanceof Problem && Object.keys(error.fields).length > 0) return null;
  if (error) return <LoadFailed error={error} onRetry={onRetry} />;
  if (!effect) return <Loading />;
  return (
    <section className={css.preview} aria-label={t('corrections.preview')} aria-live="polite">
      <h3>{t('corrections.preview')}</h3>
      <Changes changes={effect.changes} />
      <p>{t('corrections.effect', { count: effect.instances })}</p>
      {effect.isDoubtful && <p className={css.warn}>{t('corrections.doubt')}</p>}
      {effect.isMatched && <p>{t('corrections.matched')}</p>}
      {effect.unmatchedReason && <p className={css.warn}>{t('corrections.unmatched', { why: t(`unmatched.reason.${effect.unmatchedReason}`) })}</p>}
    </section>
  );
}

/** Values before and after, one a line. */
export function Changes({ changes }: { changes: readonly ValueChange[] }) {
  const { t } = useTranslation();
  const shown = ({ keyword }: ValueChange, value: string | null): string => {
    const text = readable(keyword, value);
    return (kindOf(keyword) === 'date' ? day(text) : text) || t('corrections.empty');
  };
  return (
    <ul className={css.changes}>
      {changes.map((change) => (
        <li key={change.keyword}><span>{t(`corrections.field.${change.keyword}`)}</span><s>{shown(change, change.before)}</s><b>{shown(change, change.after)}</b></li>
      ))}
    </ul>
  );
}
