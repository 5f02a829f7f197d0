import { useState, type Dispatch, type DragEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LoadFailed, Loading } from '~/ui/LoadState';
import type { StackView } from '../engine/StackView';
import type { CellContent } from '../model/useViewerData';
import { cellCount, grids, type Step, type ViewerState } from '../model/viewerState';
import { DocumentCell } from './DocumentCell';
import { StackCell } from './StackCell';
import css from './cells.module.css';

/** The type under which a series is dragged from the strip. */
export const dragType = 'application/x-sen-series';

interface Props {
  state: ViewerState;
  dispatch: Dispatch<Step>;
  contents: readonly CellContent[];
  positions: Map<string, number>;
  playing: (cell: number) => number | null;
  onView: (cell: number, view: StackView | null) => void;
  onMove: (cell: number, index: number) => void;
}

/** The cells of the layout. A click makes a cell the active one, a double click enlarges it, a dropped series fills it. */
export function CellGrid({ state, dispatch, contents, positions, playing, onView, onMove }: Props) {
  const { columns, rows } = grids[state.layout];
  return (
    <div className={css.grid} style={{ gridTemplate: `repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr))` }}>
      {contents.slice(0, cellCount(state.layout)).map((content, cell) => (
        <Cell key={cell} cell={cell} active={state.active === cell && state.layout !== '1x1'} dispatch={dispatch}>
          {content.is === 'shown' && content.set.is === 'stack' ? (
            <StackCell
              id={`cell-${cell}`} stack={content.set} study={content.study} overlays={state.overlays} playing={playing(cell)} positions={positions}
              onView={(view) => onView(cell, view)} onMove={(index) => onMove(cell, index)}
            />
          ) : <Other content={content} />}
        </Cell>
      ))}
    </div>
  );
}

function Cell({ cell, active, dispatch, children }: { cell: number; active: boolean; dispatch: Dispatch<Step>; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const carries = (event: DragEvent): boolean => event.dataTransfer.types.includes(dragType);
  return (
    <div
      className={css.cell} data-active={active || undefined} data-over={over || undefined}
      onPointerDownCapture={() => dispatch({ do: 'activate', cell })}
      onDoubleClick={() => dispatch({ do: 'enlarge', cell })}
      onDragOver={(event) => {
        if (!carries(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const key = event.dataTransfer.getData(dragType);
        if (key) dispatch({ do: 'show', key, cell });
      }}
    >
      {children}
    </div>
  );
}

function Other({ content }: { content: CellContent }) {
  const { t } = useTranslation();
  if (content.is === 'shown' && content.set.is === 'document') return <DocumentCell document={content.set} />;
  if (content.is === 'loading') return <div className={css.message}><Loading /></div>;
  if (content.is === 'failed') return <div className={css.message}><LoadFailed error={content.error} onRetry={content.retry} /></div>;
  return <div className={css.message}>{t('viewer.emptyCell')}</div>;
}
