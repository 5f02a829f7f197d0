import { useTranslation } from 'react-i18next';
import type { RecordAct } from '~/api/types';
import { instant } from '~/format/dates';
import { actorName, personName } from '~/format/person';
import { phrases } from '~/i18n';
import css from './RecordPage.module.css';

type Kind = keyof (typeof phrases)['vi']['record']['kind'];

/** Everything that was done to the record, newest first: mergers and partings, numbers that were added and taken away. */
export function RecordHistory({ acts }: { acts: readonly RecordAct[] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('record.history')}>
      <h2>{t('record.history')}</h2>
      {acts.length === 0 && <p className={css.hint}>{t('record.historyNone')}</p>}
      <ol className={css.history}>
        {acts.map((act) => (
          <li key={act.actId}>
            <div><b>{t(`record.kind.${kindOf(act.kind)}`)}</b>{act.isUndone && <span className={css.dim}> {t('corrections.undoneMark')}</span>}</div>
            <div>{act.number ? `${act.issuer ?? ''} ${act.number}` : act.whom && [personName(act.whom.name) || t('field.unknown'), act.whom.id].filter(Boolean).join(' · ')}</div>
            <div className={css.dim}>{instant(act.at)} · {actorName(act.by)}</div>
            {act.reason && <div>{act.reason}</div>}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The phrase of a kind of act: `patient.merge` is `merge`. */
function kindOf(kind: string): Kind {
  const word = kind.replace(/^patient\./, '');
  return word in phrases.vi.record.kind ? word as Kind : 'other';
}
