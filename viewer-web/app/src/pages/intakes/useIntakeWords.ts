import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Intake } from '~/api/keepingTypes';
import { day } from '~/format/dates';
import { useWhy } from '~/ui/useWhy';

/** What an import or a migration is and how it stands, in words. */
export function useIntakeWords() {
  const { t } = useTranslation();
  const { brief, whole } = useWhy('waiting');
  const state = useCallback((row: Intake): string => {
    if (row.state === 'running') return t(row.note ? 'intakes.state.waiting' : row.byServer ? 'intakes.state.running' : 'intakes.state.byCommand');
    if (row.state === 'done' && row.failed > 0) return t('intakes.state.partly');
    return t(`intakes.state.${row.state}`);
  }, [t]);
  /** How the state is drawn. */
  const standing = useCallback((row: Intake) => {
    if (row.state === 'done') return row.failed > 0 ? 'failed' as const : 'done' as const;
    return row.state === 'stopped' ? 'cancelled' as const : row.note ? 'waiting' as const : 'running' as const;
  }, []);
  const at = useCallback((row: Intake): string => {
    if (row.kind === 'import' || row.state === 'done') return '';
    return row.atDate ? t('intakes.at', { day: day(row.atDate) }) : t('intakes.undated');
  }, [t]);
  /** Where it is, and why it waits. */
  const progress = useCallback((row: Intake): string => [at(row), row.note && brief(row.note)].filter(Boolean).join(' · '), [at, brief]);
  /** The same with all that is known of why. */
  const long = useCallback((row: Intake): string => [at(row), row.note && whole(row.note)].filter(Boolean).join(' · '), [at, whole]);
  return { state, standing, progress, long };
}
