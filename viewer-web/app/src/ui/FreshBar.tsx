import { useTranslation } from 'react-i18next';
import css from './ui.module.css';

/** "3 ca mới": what has arrived since, shown when the reader wants it, so that no row moves by itself. */
export function FreshBar({ count, onShow }: { count: number; onShow: () => void }) {
  const { t } = useTranslation();
  if (count === 0) return null;
  return (
    <button type="button" className={css.fresh} onClick={onShow}>
      <strong>{t('search.fresh', { count })}</strong>
      <span>{t('search.freshShow')}</span>
    </button>
  );
}
