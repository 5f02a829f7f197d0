import { useEffect, useRef } from 'react';
import { NavLink, useLocation } from 'react-router';
import css from './ui.module.css';

interface Props {
  label: string;
  tabs: readonly { path: string; title: string }[];
}

/** Pages that belong together, as tabs on top of each of them. */
export function PageTabs({ label, tabs }: Props) {
  const bar = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // Where the tabs are wider than the screen, the one that is open is in sight.
  useEffect(() => {
    // Braces: newer browsers answer with a promise, which React would take for the effect's end.
    bar.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  }, [pathname]);
  return (
    <nav ref={bar} className={css.tabs} aria-label={label}>
      {tabs.map(({ path, title }) => <NavLink key={path} to={path} end className={({ isActive }) => (isActive ? css.here ?? '' : '')}>{title}</NavLink>)}
    </nav>
  );
}
