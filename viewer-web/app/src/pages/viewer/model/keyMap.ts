/**
 * Every key of the viewer, the one source of what keys do and of the sheet that lists them.
 * Keys are physical (`KeyboardEvent.code`), so that an input method left on changes nothing;
 * never Backspace (input methods send it while composing), nor `w`, `[`, `]`.
 */
import type { phrases } from '~/i18n';
import type { Tool } from './viewerState';

/** What a key can do, besides choosing a tool or a preset. */
export type ActionName = keyof (typeof phrases)['vi']['viewer']['action'];

/** A key's meaning. */
export type Command = { kind: 'action'; name: ActionName } | { kind: 'tool'; tool: Tool } | { kind: 'preset'; digit: string };

/** Sections of the key sheet. */
export type Group = 'tools' | 'image' | 'browse' | 'layout' | 'marks' | 'other';

/** One key with its meaning. */
export interface Binding {
  code: string;
  shift?: boolean;
  /** Ctrl, or its like on a Mac. */
  ctrl?: boolean;
  group: Group;
  command: Command;
}

const tool = (code: string, name: Tool): Binding => ({ code, group: 'tools', command: { kind: 'tool', tool: name } });
const act = (group: Group, code: string, name: ActionName, shift = false): Binding => ({ code, shift, group, command: { kind: 'action', name } });

/** All bindings but the digits, which are the presets of the shown modality. */
export const bindings: readonly Binding[] = [
  tool('KeyV', 'window'),
  tool('KeyS', 'scroll'),
  tool('KeyZ', 'zoom'),
  tool('KeyP', 'pan'),
  tool('KeyL', 'length'),
  tool('KeyR', 'rectangle'),
  tool('KeyE', 'ellipse'),
  tool('KeyB', 'probe'),
  act('image', 'KeyI', 'invert'),
  act('image', 'KeyH', 'flipHorizontal'),
  act('image', 'KeyJ', 'flipVertical'),
  act('image', 'KeyT', 'rotateRight'),
  act('image', 'KeyT', 'rotateLeft', true),
  act('image', 'Equal', 'zoomIn'),
  act('image', 'Minus', 'zoomOut'),
  act('image', 'KeyF', 'fit'),
  act('image', 'KeyD', 'actual'),
  act('image', 'KeyX', 'reset'),
  act('browse', 'ArrowDown', 'next'),
  act('browse', 'ArrowUp', 'previous'),
  act('browse', 'PageDown', 'nextTen'),
  act('browse', 'PageUp', 'previousTen'),
  act('browse', 'Home', 'first'),
  act('browse', 'End', 'last'),
  act('browse', 'ArrowRight', 'nextSeries'),
  act('browse', 'ArrowLeft', 'previousSeries'),
  act('browse', 'Space', 'cine'),
  act('browse', 'Period', 'faster'),
  act('browse', 'Comma', 'slower'),
  act('layout', 'Digit1', 'layout1', true),
  act('layout', 'Digit2', 'layout2', true),
  act('layout', 'Digit4', 'layout4', true),
  act('layout', 'Tab', 'nextCell'),
  act('layout', 'Tab', 'previousCell', true),
  act('layout', 'KeyO', 'overlay'),
  act('layout', 'KeyM', 'strip'),
  act('marks', 'Delete', 'deleteMark'),
  act('marks', 'Delete', 'deleteMarks', true),
  { ...act('marks', 'KeyZ', 'undoMarks'), ctrl: true },
  act('other', 'KeyG', 'send'),
  act('other', 'KeyU', 'retry'),
  act('other', 'Slash', 'help'),
  act('other', 'Escape', 'back'),
];

/** A key press, as much of it as matters. */
export interface Press {
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** What a press means; null when it is not ours. */
export function commandOf(press: Press): Command | null {
  const ctrl = press.ctrlKey || press.metaKey;
  if (press.altKey) return null;
  const code = aliases[press.code] ?? press.code;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1];
  if (digit !== undefined && !press.shiftKey) return ctrl ? null : { kind: 'preset', digit };
  // `?` is Shift and `/` on most keyboards, and `+` is Shift and `=`: there Shift is part of the sign.
  const sign = code === 'Slash' || code === 'Equal' || code === 'Minus';
  const found = bindings.find((binding) => binding.code === code && (binding.ctrl ?? false) === ctrl && (sign || (binding.shift ?? false) === press.shiftKey));
  return found?.command ?? null;
}

/** Keys that mean what another one means. */
const aliases: Partial<Record<string, string>> = { NumpadAdd: 'Equal', NumpadSubtract: 'Minus', F1: 'Slash' };

/** The key that does something, for labels of buttons. */
export function keyOf(wanted: Command): Binding | undefined {
  return bindings.find(({ command }) => JSON.stringify(command) === JSON.stringify(wanted));
}
