import { useEffect, type RefObject } from 'react';
import { useLatest } from '~/ui/useLatest';
import { isText } from './isText';

interface ListKeys<Row> {
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  selected: string | null;
  onSelect: (row: Row) => void;
  onOpen: (row: Row) => void;
  /** The page's search box: `/` goes there, arrows in it act on the list, Esc empties it. */
  search?: RefObject<HTMLInputElement | null>;
  onClearSearch?: () => void;
  /** Enter in the search box, after whatever stands in it: a scanner types faster than any list follows. */
  onEnter?: (text: string) => void;
  /** A digit while a row is selected, as the keys of its acts. */
  onDigit?: (row: Row, digit: number) => void;
}

/** The keys of every list: `/` search, arrows select, Enter opens, digits act, Esc leaves: a box first, then the row. */
export function useListKeys<Row>(keys: ListKeys<Row>): void {
  const latest = useLatest(keys);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => handle(event, latest.current);
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [latest]);
}

function handle<Row>(event: KeyboardEvent, list: ListKeys<Row>): void {
  // While an input method composes, every key belongs to it.
  if (event.isComposing || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const box = list.search?.current ?? null;
  const inSearch = box !== null && event.target === box;
  if (typingElsewhere(event.target, box)) {
    // The way back to the list, where keys act again; what was typed stays.
    if (event.key === 'Escape' && isText(event.target) && !inLayer(event.target)) {
      event.target.blur();
      event.preventDefault();
    }
    return;
  }
  const step = steps[event.key];
  if (event.key === '/' && !inSearch && box) {
    box.focus();
    box.select();
  } else if (event.key === 'Escape') {
    if (inSearch && box.value === '') box.blur();
    else list.onClearSearch?.();
  } else if (event.key === 'Enter' && inSearch && list.onEnter) {
    list.onEnter(box.value);
  } else if (event.key === 'Enter') {
    const row = list.rows.find((candidate) => list.rowKey(candidate) === list.selected);
    if (!row || event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement) return;
    list.onOpen(row);
  } else if (/^[1-9]$/.test(event.key) && !inSearch && list.onDigit) {
    const row = list.rows.find((candidate) => list.rowKey(candidate) === list.selected);
    if (!row) return;
    list.onDigit(row, Number(event.key));
  } else if (step !== undefined && !(inSearch && (event.key === 'Home' || event.key === 'End'))) {
    move(list, step);
  } else {
    return;
  }
  event.preventDefault();
}

const steps: Partial<Record<string, number>> = {
  ArrowDown: 1, ArrowUp: -1, PageDown: 18, PageUp: -18, Home: -Infinity, End: Infinity,
};

function move<Row>(list: ListKeys<Row>, step: number): void {
  const at = list.rows.findIndex((row) => list.rowKey(row) === list.selected);
  const from = at < 0 && step > 0 ? -1 : at;
  const to = Math.min(list.rows.length - 1, Math.max(0, from + step));
  const row = list.rows[to];
  if (row !== undefined) list.onSelect(row);
}

function typingElsewhere(target: EventTarget | null, search: HTMLInputElement | null): boolean {
  if (target === search) return false;
  return inLayer(target) || isText(target) || target instanceof HTMLSelectElement;
}

/** Whether something lies in a list, menu or dialog over the page, which has its own Esc. */
function inLayer(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role="listbox"], [role="menu"], [role="dialog"]') !== null;
}
