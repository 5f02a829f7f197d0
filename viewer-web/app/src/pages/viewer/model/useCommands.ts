import { useCallback, useEffect, type Dispatch, type RefObject } from 'react';
import { useLatest } from '~/ui/useLatest';
import type { StackView } from '../engine/StackView';
import { frames } from '../engine/frames';
import type { DisplaySet } from './displaySets';
import { commandOf, type ActionName, type Command } from './keyMap';
import { presetsOf } from './presets';
import type { Step, ViewerState } from './viewerState';

/** What commands act on. */
export interface Surroundings {
  state: ViewerState;
  dispatch: Dispatch<Step>;
  /** The views of the cells that show stacks, by index. */
  views: RefObject<Map<number, StackView>>;
  /** The display set in the active cell. */
  shown: DisplaySet | null;
  /** Keys of all series, in the order of the strip. */
  order: readonly string[];
  /** Those of them that have pictures. */
  pictures: readonly string[];
  /** Frames per second chosen by hand, by display set. */
  speeds: Map<string, number>;
  /** Whether the one who looks may send images to other systems. */
  maySend: boolean;
  onBack: () => void;
  /** Something changed that only the views know of. */
  onMoved: () => void;
}

/** Runs commands, and listens for the keys that mean them. */
export function useCommands(surroundings: Surroundings): (command: Command) => void {
  const latest = useLatest(surroundings);
  const run = useCallback((command: Command) => runCommand(command, latest.current), [latest]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented || isTyping(event.target)) return;
      const command = commandOf(event);
      if (!command) return;
      event.preventDefault();
      event.stopPropagation();
      run(command);
    };
    // Before cornerstone, whose own listener on the focused cell would swallow the key.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [run]);
  return run;
}

function runCommand(command: Command, around: Surroundings): void {
  const view = around.views.current.get(around.state.active);
  if (command.kind === 'tool') {
    around.dispatch({ do: 'tool', tool: command.tool });
  } else if (command.kind === 'preset') {
    const preset = presetsOf(around.shown?.modality ?? '').find(({ digit }) => digit === command.digit);
    if (preset) view?.setWindow(preset.window);
  } else if (!runPageAction(command.name, around) && view) {
    runViewAction(command.name, view, around);
  }
  around.onMoved();
}

/** Acts on the page; false when the action is not one of these. */
function runPageAction(name: ActionName, { state, dispatch, order, pictures, onBack, shown, views, maySend }: Surroundings): boolean {
  switch (name) {
    case 'layout1': dispatch({ do: 'layout', layout: '1x1' }); return true;
    case 'layout2': layout('1x2'); return true;
    case 'layout4': layout('2x2'); return true;
    case 'nextCell': dispatch({ do: 'turn', by: 1 }); return true;
    case 'previousCell': dispatch({ do: 'turn', by: -1 }); return true;
    case 'overlay': dispatch({ do: 'toggle', what: 'overlays' }); return true;
    case 'strip': dispatch({ do: 'toggle', what: 'strip' }); return true;
    case 'help': dispatch({ do: 'toggle', what: 'help' }); return true;
    case 'send': if (maySend) dispatch({ do: 'toggle', what: 'send' }); return true;
    case 'nextSeries': turnSeries(1); return true;
    case 'previousSeries': turnSeries(-1); return true;
    case 'retry': if (shown?.is === 'stack') frames.retry(shown.imageIds); return true;
    case 'back':
      if (state.help || state.send) dispatch({ do: 'toggle', what: state.help ? 'help' : 'send' });
      // Who is in the middle of a measurement wants out of that, not out of the images.
      else if (!views.current.get(state.active)?.cancelMark()) onBack();
      return true;
    default: return false;
  }

  function layout(to: '1x2' | '2x2'): void {
    dispatch({ do: 'layout', layout: to });
    dispatch({ do: 'fill', keys: pictures });
  }

  function turnSeries(by: 1 | -1): void {
    const at = order.indexOf(state.cells[state.active] ?? '');
    const key = order[at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + by))];
    if (key !== undefined) dispatch({ do: 'show', key });
  }
}

function runViewAction(name: ActionName, view: StackView, around: Surroundings): void {
  const go = (index: number): void => void view.go(index).catch(() => undefined);
  switch (name) {
    case 'next': go(view.index + 1); break;
    case 'previous': go(view.index - 1); break;
    case 'nextTen': go(view.index + 10); break;
    case 'previousTen': go(view.index - 10); break;
    case 'first': go(0); break;
    case 'last': go(Number.MAX_SAFE_INTEGER); break;
    case 'invert': view.invert(); break;
    case 'flipHorizontal': view.flip('horizontal'); break;
    case 'flipVertical': view.flip('vertical'); break;
    case 'rotateRight': view.rotate(90); break;
    case 'rotateLeft': view.rotate(-90); break;
    case 'fit': view.fit(); break;
    case 'actual': view.actualSize(); break;
    case 'reset': view.reset(); break;
    case 'zoomIn': view.zoomBy(1.25); break;
    case 'zoomOut': view.zoomBy(0.8); break;
    case 'cine': toggleCine(); break;
    case 'faster': changeSpeed(1.25); break;
    case 'slower': changeSpeed(0.8); break;
    case 'deleteMark': view.removeMarks('chosen'); break;
    case 'deleteMarks': view.removeMarks('all'); break;
    case 'undoMarks': view.restoreMarks(); break;
    default: break;
  }

  function speed(): number {
    if (around.shown?.is !== 'stack') return 15;
    return around.speeds.get(around.shown.key) ?? around.shown.framesPerSecond;
  }

  function toggleCine(): void {
    if (view.film.isRunning) view.film.stop();
    else view.film.play(speed());
  }

  function changeSpeed(factor: number): void {
    if (around.shown?.is !== 'stack') return;
    const before = speed();
    const wanted = Math.round(before * factor);
    const after = Math.min(60, Math.max(1, wanted === before ? before + Math.sign(factor - 1) : wanted));
    around.speeds.set(around.shown.key, after);
    if (view.film.isRunning) view.film.play(after);
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement
    || (target instanceof HTMLElement && target.closest('[role="menu"]') !== null);
}
