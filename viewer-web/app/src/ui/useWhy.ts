import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Reason } from '~/api/types';
import type { Language } from '~/i18n';
import { brief, more, whole, type ReasonList } from '~/i18n/why';

/** Speaks the reasons that the server gives, in the reader's language: in a few words, what is more to say, or both; and what the log has of it. */
export function useWhy(list: ReasonList) {
  const { t, i18n } = useTranslation();
  return useMemo(() => {
    const language = i18n.language as Language;
    return {
      brief: (reason: Reason): string => brief(language, list, reason),
      more: (reason: Reason): string => more(language, list, reason),
      whole: (reason: Reason): string => whole(language, list, reason),
      technical: ({ detail }: Reason): string => (detail ? `${t('action.technical')}: ${detail}` : ''),
    };
  }, [t, i18n.language, list]);
}
