import { NavLink } from 'react-router';
import css from './ui.module.css';

interface Props {
  label: string;
  tabs: readonly { path: string; title: string }[];
}

/** Pages that belong together, as tabs on top of each of them. */
export function PageTabs({ label, tabs }: Props) {
  return (
    <nav className={css.tabs} aria-label={label}>
      {tabs.map(({ path, title }) => <NavLink key={path} to={path} end className={({ isActive }) => (isActive ? css.here ?? '' : '')}>{title}</NavLink>)}
    </nav>
  );
}
