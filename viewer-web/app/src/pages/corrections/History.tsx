import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { studyActsQuery } from '~/api/queries';
import type { StudyAct } from '~/api/correctionTypes';
import { phrases } from '~/i18n';
import { instant } from '~/format/dates';
import { actorName } from '~/format/person';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { Changes } from './Preview';
import css from './CorrectionsPage.module.css';

interface Props {
  studyUid: string;
  busy: boolean;
  onUndo: (actId: number) => void;
  /** What stands above it. */
  children?: ReactNode;
}

/** Everything that was done to the exam, newest first, each with the way back. */
export function History({ studyUid, busy, onUndo, children }: Props) {
  const { t } = useTranslation();
  const history = useQuery(studyActsQuery(studyUid));
  return (
    <aside className={css.history} aria-label={t('corrections.history')}>
      {children}
      <h2>{t('corrections.history')}</h2>
      {history.isPending ? <Loading /> : history.isLoadingError ? <LoadFailed error={history.error} onRetry={() => void history.refetch()} />
        : history.data.items.length === 0 ? <p className={css.dim}>{t('corrections.historyNone')}</p>
          : <ol>{history.data.items.map((act) => <Act key={act.actId} act={act} studyUid={studyUid} busy={busy} onUndo={onUndo} />)}</ol>}
    </aside>
  );
}

type Kind = keyof (typeof phrases)['vi']['corrections']['kind'];

/** The phrase of a kind of act: `study.correct` is `studyCorrect`. */
function phraseOf(kind: string): Kind {
  const key = kind.replace(/\.(\w)/, (_, letter: string) => letter.toUpperCase());
  return isKind(key) ? key : 'other';
}

function isKind(key: string): key is Kind {
  return key in phrases.vi.corrections.kind;
}

function Act({ act, studyUid, busy, onUndo }: { act: StudyAct; studyUid: string; busy: boolean; onUndo: (actId: number) => void }) {
  const { t } = useTranslation();
  return (
    <li data-undone={act.isUndone || undefined}>
      <div className={css.act}>
        <b>{t(`corrections.kind.${phraseOf(act.kind)}`)}</b>
        {act.isUndone && <span className={css.dim}>{t('corrections.undoneMark')}</span>}
        {act.canUndo && <Button variant="default" size="compact-xs" disabled={busy} onClick={() => onUndo(act.actId)}>{t('action.undo')}</Button>}
      </div>
      <div className={css.dim}>{instant(act.at)} · {actorName(act.by)}</div>
      {act.code && <div>{t(`corrections.rejection.${act.code}`)}</div>}
      {act.reason && <div>{act.reason}</div>}
      {act.changes.length > 0 && <Changes changes={act.changes} />}
      {act.movement && <div className={css.dim}>{movement(act.movement)}</div>}
    </li>
  );

  function movement({ to, series, instances }: NonNullable<StudyAct['movement']>): string {
    const what = series > 0 ? t('corrections.series', { count: series }) : t('corrections.images', { count: instances });
    return t(to === studyUid ? 'corrections.toHere' : 'corrections.away', { what });
  }
}
