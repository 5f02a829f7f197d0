import { useTranslation } from 'react-i18next';
import css from './KeySheet.module.css';
import { Sheet } from './Sheet';

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
    <Sheet title={t('keys.title')} onClose={onClose}>
      {groups.map(({ title, lines }) => (
        <section key={title} className={css.group}>
          <h3>{title}</h3>
          {lines.map(({ caps, what }) => <p key={what}><span>{what}</span><span>{caps.map((cap) => <kbd key={cap}>{cap}</kbd>)}</span></p>)}
        </section>
      ))}
    </Sheet>
  );
}
