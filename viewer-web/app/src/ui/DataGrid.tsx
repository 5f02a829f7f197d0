import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useRef, type ReactNode } from 'react';
import css from './DataGrid.module.css';

/** A column: its title, its width as a grid track, and what a row shows in it. */
export interface Column<Row> {
  id: string;
  title: string;
  width: string;
  cell: (row: Row) => ReactNode;
  /** Figures stand at the end of their column. */
  end?: boolean;
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  selected: string | null;
  onSelect: (row: Row) => void;
  onOpen?: ((row: Row) => void) | undefined;
  /** Rows in two lines where the screen is a phone's; replaces the columns. */
  narrow?: ((row: Row) => ReactNode) | undefined;
  /** Rows that have run their course are set back. */
  dimmed?: (row: Row) => boolean;
  /** Asked for more when the end comes near. */
  onNearEnd?: () => void;
  footer?: ReactNode;
  /** Where the list was scrolled to, kept by the page across visits. */
  scroll?: { top: number };
}

const rowPixels = 28;
const narrowPixels = 52;

/** A dense list of rows of 28 px of which only the visible ones exist; cost does not depend on the length. */
export function DataGrid<Row>(props: Props<Row>) {
  const { label, columns, rows, rowKey, selected, onSelect, onOpen, narrow, dimmed, onNearEnd, footer, scroll } = props;
  const id = useId();
  const body = useRef<HTMLDivElement>(null);
  const height = narrow ? narrowPixels : rowPixels;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => body.current,
    estimateSize: () => height,
    overscan: 12,
    initialOffset: scroll?.top ?? 0,
  });
  const visible = virtual.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;

  useEffect(() => virtual.measure(), [virtual, height]);
  useEffect(() => {
    if (onNearEnd && last >= rows.length - 20) onNearEnd();
  }, [onNearEnd, last, rows.length]);

  const selectedIndex = selected === null ? -1 : rows.findIndex((row) => rowKey(row) === selected);
  useEffect(() => {
    if (selectedIndex >= 0) virtual.scrollToIndex(selectedIndex, { align: 'auto' });
    // Only a new selection scrolls; rows that come or go do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);

  const template = columns.map((column) => column.width).join(' ');
  return (
    <div className={css.grid} role="grid" aria-label={label} aria-rowcount={rows.length}>
      {!narrow && (
        <div className={css.head} role="row" style={{ gridTemplateColumns: template }}>
          {columns.map((column) => (
            <span key={column.id} role="columnheader" className={column.end ? css.end : undefined}>{column.title}</span>
          ))}
        </div>
      )}
      <div
        ref={body} className={css.body} tabIndex={0} role="rowgroup"
        aria-activedescendant={selectedIndex >= 0 ? `${id}-${selectedIndex}` : undefined}
        onScroll={(event) => scroll && (scroll.top = event.currentTarget.scrollTop)}
      >
        <div className={css.all} style={{ height: virtual.getTotalSize() }}>
          {visible.map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <div
                key={rowKey(row)} id={`${id}-${index}`} role="row" aria-rowindex={index + 1} aria-selected={index === selectedIndex}
                className={`${css.row} ${dimmed?.(row) ? css.dimmed : ''}`}
                style={{ transform: `translateY(${start}px)`, height, gridTemplateColumns: narrow ? '1fr' : template }}
                onClick={() => onSelect(row)} onDoubleClick={() => onOpen?.(row)}
              >
                {narrow ? narrow(row) : columns.map((column) => (
                  <span key={column.id} role="gridcell" className={`${css.cell} ${column.end ? css.end : ''}`}>{column.cell(row)}</span>
                ))}
              </div>
            );
          })}
        </div>
        {footer && <div className={css.footer}>{footer}</div>}
      </div>
    </div>
  );
}
