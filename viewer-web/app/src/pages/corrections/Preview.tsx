import { useTranslation } from 'react-i18next';
import type { CorrectionEffect, ValueChange } from '~/api/types';
import { day } from '~/format/dates';
import { kindOf, readable } from './fields';
import css from './CorrectionsPage.module.css';

/** What a correction will do: each value before and after, and where the exam will belong. */
export function Preview({ effect }: { effect: CorrectionEffect | undefined }) {
  const { t } = useTranslation();
  if (!effect) return <p className={css.dim}>{t('corrections.nothing')}</p>;
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
