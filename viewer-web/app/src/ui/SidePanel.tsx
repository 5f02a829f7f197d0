import type { ReactNode } from 'react';
import css from './SidePanel.module.css';

/** A list with the panel of what is selected in it: beside it, or below it where the screen is narrow. */
export function Split({ children }: { children: ReactNode }) {
  return <div className={css.split}>{children}</div>;
}

interface Props {
  label: string;
  /** For a few lines or fields; otherwise there is room for two sides to be compared. */
  narrow?: boolean;
  children: ReactNode;
}

/** What is known of the selected row, and what can be done with it. */
export function SidePanel({ label, narrow, children }: Props) {
  return <aside className={css.panel} data-narrow={narrow || undefined} aria-label={label}>{children}</aside>;
}

/** The panel while nothing is selected: what to do about that. A phone leaves it out. */
export function VacantPanel({ children }: { children: ReactNode }) {
  return <aside className={`${css.panel} ${css.vacant}`}>{children}</aside>;
}

/** Who or what the panel is about, a quiet line about it, and what leads on. */
export function PanelHead({ title, note, children }: { title: string; note?: ReactNode; children?: ReactNode }) {
  return (
    <header className={css.head}>
      <div>
        <h2>{title}</h2>
        {note && <p>{note}</p>}
      </div>
      {children}
    </header>
  );
}
