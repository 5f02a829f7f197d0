import { Fragment } from 'react';
import css from './ui.module.css';

/** Keys and what they do, in one quiet line. */
export function KeyHints({ keys }: { keys: readonly (readonly [keys: readonly string[], what: string])[] }) {
  return (
    <div className={css.keys}>
      {keys.map(([names, what]) => (
        <span key={what}>
          {names.map((name) => <Fragment key={name}><kbd>{name}</kbd></Fragment>)}
          {what}
        </span>
      ))}
    </div>
  );
}
