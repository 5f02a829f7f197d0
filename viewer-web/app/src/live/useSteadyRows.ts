import { useState } from 'react';
import { mergeInPlace } from './merge';

/** What a list shows of an answer that keeps coming anew. */
interface Shown<Row> {
  view: string;
  answer: readonly Row[];
  rows: readonly Row[];
  fresh: number;
}

/**
 * The rows of a list that is asked for again and again: while the pointer is over it, they change where they stand and
 * none comes or goes. `hold` is for what holds the list; `show` takes it as it is now and as the next answer has it,
 * for whoever has asked or done something. Another `view` begins anew.
 */
export function useSteadyRows<Row>(view: string, answer: readonly Row[], rowKey: (row: Row) => string) {
  const [isHeld, setHeld] = useState(false);
  const [isAwaited, setAwaited] = useState(false);
  const [shown, setShown] = useState<Shown<Row>>({ view, answer, rows: answer, fresh: 0 });
  let now = shown;
  if (shown.answer !== answer || shown.view !== view) {
    const steady = isHeld && !isAwaited && shown.view === view && shown.rows.length > 0 ? mergeInPlace(shown.rows, answer, rowKey, true) : { items: answer, fresh: 0 };
    now = { view, answer, rows: steady.items, fresh: steady.fresh };
    setShown(now);
    setAwaited(false);
  }
  const take = (): void => setShown({ view, answer, rows: answer, fresh: 0 });
  const show = (): void => {
    setAwaited(true);
    take();
  };
  const leave = (): void => {
    setHeld(false);
    take();
  };
  return { rows: now.rows, fresh: now.fresh, show, hold: { onPointerMove: () => setHeld(true), onPointerLeave: leave } };
}
