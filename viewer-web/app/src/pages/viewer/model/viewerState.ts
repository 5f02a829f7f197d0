/** Which series stand in which cells, and what the pointer does. No pixels here. */

/** Grids of cells. */
export type Layout = '1x1' | '1x2' | '2x2';
/** What the left button does. */
export type Tool = 'window' | 'scroll' | 'zoom' | 'pan' | 'length' | 'rectangle' | 'ellipse' | 'probe';

/** Columns and rows of a layout. */
export const grids: Record<Layout, { columns: number; rows: number }> = {
  '1x1': { columns: 1, rows: 1 },
  '1x2': { columns: 2, rows: 1 },
  '2x2': { columns: 2, rows: 2 },
};

/** The state of the viewer page. */
export interface ViewerState {
  layout: Layout;
  /** The layout to go back to after one cell was enlarged. */
  before: Layout | null;
  /** Index of the cell that keys act on. */
  active: number;
  /** Keys of display sets; null is an empty cell. */
  cells: readonly (string | null)[];
  tool: Tool;
  overlays: boolean;
  strip: boolean;
  /** The sheets beside the images; one at a time. */
  help: boolean;
  send: boolean;
}

/** What can happen. */
export type Step =
  | { do: 'layout'; layout: Layout }
  | { do: 'enlarge'; cell: number }
  | { do: 'activate'; cell: number }
  | { do: 'turn'; by: 1 | -1 }
  | { do: 'show'; key: string; cell?: number }
  | { do: 'fill'; keys: readonly string[] }
  | { do: 'tool'; tool: Tool }
  | { do: 'toggle'; what: 'overlays' | 'strip' | 'help' | 'send' };

/** A viewer before anything is shown. */
export const emptyViewer: ViewerState = {
  layout: '1x1', before: null, active: 0, cells: [null, null, null, null], tool: 'window', overlays: true, strip: true, help: false, send: false,
};

/** How many cells a layout has. */
export function cellCount(layout: Layout): number {
  return grids[layout].columns * grids[layout].rows;
}

/** The state after a step. */
export function step(state: ViewerState, action: Step): ViewerState {
  switch (action.do) {
    case 'layout':
      return { ...state, layout: action.layout, before: null, active: Math.min(state.active, cellCount(action.layout) - 1) };
    case 'enlarge':
      return enlarge(state, action.cell);
    case 'activate':
      return { ...state, active: action.cell };
    case 'turn': {
      const count = cellCount(state.layout);
      return { ...state, active: (state.active + action.by + count) % count };
    }
    case 'show': {
      const cell = action.cell ?? state.active;
      return { ...state, active: cell, cells: state.cells.map((key, index) => (index === cell ? action.key : key)) };
    }
    case 'fill':
      return { ...state, cells: fill(state.cells, action.keys) };
    case 'tool':
      return { ...state, tool: action.tool };
    case 'toggle':
      if (action.what === 'help' || action.what === 'send') return { ...state, help: false, send: false, [action.what]: !state[action.what] };
      return { ...state, [action.what]: !state[action.what] };
  }
}

/** One cell over the whole page, its series brought to the front; the same again goes back. */
function enlarge(state: ViewerState, cell: number): ViewerState {
  if (state.layout === '1x1') {
    return state.before ? { ...state, layout: state.before, before: null } : state;
  }
  const cells = [...state.cells];
  [cells[0], cells[cell]] = [cells[cell] ?? null, cells[0] ?? null];
  return { ...state, layout: '1x1', before: state.layout, active: 0, cells };
}

/** Puts series that are not shown yet into cells that are empty. */
function fill(cells: readonly (string | null)[], keys: readonly string[]): (string | null)[] {
  const waiting = keys.filter((key) => !cells.includes(key));
  return cells.map((cell) => cell ?? waiting.shift() ?? null);
}
