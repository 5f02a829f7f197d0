import type { ReactNode } from 'react';
import css from './ui.module.css';

/** How work stands; what is under way is set apart from what waits by more than its colour. */
export function Standing({ state, children }: { state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'; children: ReactNode }) {
  return <span className={css.standing} data-state={state}>{children}</span>;
}
