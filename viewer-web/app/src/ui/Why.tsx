import { useTranslation } from 'react-i18next';
import type { Reason } from '~/api/types';
import type { ReasonList } from '~/i18n/why';
import ui from './ui.module.css';
import { useWhy } from './useWhy';

/** Why something did not go, what to do about it, and, folded away, what exactly the log has of it. */
export function Why({ list, reason }: { list: ReasonList; reason: Reason }) {
  const { t } = useTranslation();
  const { brief, more } = useWhy(list);
  const [first, rest] = [brief(reason), more(reason)];
  return (
    <>
      <b>{first}</b>
      {rest && <span>{rest}</span>}
      {reason.detail && reason.detail !== first && (
        <details className={ui.technical}>
          <summary>{t('action.technical')}</summary>
          <code lang="en">{reason.detail}</code>
        </details>
      )}
    </>
  );
}
