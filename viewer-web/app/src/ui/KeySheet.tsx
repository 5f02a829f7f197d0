import { CloseButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import css from './KeySheet.module.css';

/** What keys do: the caps to press, and the words for it; lines without caps say what the mouse does. */
export interface KeyLine {
  caps: readonly string[];
  what: string;
}

/** Keys that belong together. */
export interface KeyGroup {
  title: string;
  lines: readonly KeyLine[];
}

/** Every key of a page and what it does. */
export function KeySheet({ groups, onClose }: { groups: readonly KeyGroup[]; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <aside className={css.sheet} aria-label={t('keys.title')}>
      <header>
        <h2>{t('keys.title')}</h2>
        <CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} />
      </header>
      {groups.map(({ title, lines }) => (
        <section key={title}>
          <h3>{title}</h3>
          {lines.map(({ caps, what }) => <p key={what}><span>{what}</span><span>{caps.map((cap) => <kbd key={cap}>{cap}</kbd>)}</span></p>)}
        </section>
      ))}
    </aside>
  );
}
