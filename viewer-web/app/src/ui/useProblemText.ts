import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';

/** What went wrong, in the reader's language; `conflict` is what a conflict means where it happened. */
export function useProblemText(error: unknown, conflict?: string): string {
  const { t } = useTranslation();
  const kind = kindOf(error);
  return kind === 'conflict' && conflict ? conflict : t(`error.${kind}`);
}

type Kind = 'unreachable' | 'forbidden' | 'notFound' | 'conflict' | 'refused' | 'unavailable' | 'internal';

function kindOf(error: unknown): Kind {
  if (!(error instanceof Problem)) return 'internal';
  if (error.status === 0) return 'unreachable';
  if (error.status === 401 || error.status === 403) return 'forbidden';
  if (error.status === 404) return 'notFound';
  if (error.status === 409) return 'conflict';
  if (error.status === 503) return 'unavailable';
  return error.status < 500 ? 'refused' : 'internal';
}
