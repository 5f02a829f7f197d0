import type { MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import css from './ui.module.css';

interface Props {
  count: number;
  /** Whether what is new stands elsewhere than at the top. */
  inPlace?: boolean;
  onShow: () => void;
}

/** "3 ca mới": what has arrived since, shown when the reader wants it, so that no row moves by itself. It stands beside its list. */
export function FreshBar({ count, inPlace = false, onShow }: Props) {
  const { t } = useTranslation();
  if (count === 0) return null;
  const show = ({ currentTarget }: MouseEvent<HTMLElement>): void => {
    const list = currentTarget.parentElement?.querySelector<HTMLElement>('[role="rowgroup"]');
    // This button goes, and the keys with it.
    list?.focus({ preventScroll: true });
    if (!inPlace) list?.scrollTo({ top: 0 });
    onShow();
  };
  return (
    <button type="button" className={css.fresh} onClick={show}>
      <strong>{t('search.fresh', { count })}</strong>
      <span>{t('search.freshShow')}</span>
    </button>
  );
}
