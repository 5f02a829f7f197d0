// @vitest-environment happy-dom
import { cleanup, renderHook } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { useListKeys } from './useListKeys';

afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});

/** A list with its first row selected, and what its keys have done. */
function list() {
  const done: string[] = [];
  renderHook(() => useListKeys({
    rows: ['a', 'b'], rowKey: (row) => row, selected: 'a', onSelect: (row) => done.push(`select ${row}`), onOpen: (row) => done.push(`open ${row}`),
    onClearSearch: () => done.push('leave'), onDigit: (row, digit) => done.push(`${digit} on ${row}`),
  }));
  return done;
}

function press(key: string): void {
  (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
}

function focused(role?: string): HTMLInputElement {
  const box = document.createElement('input');
  const around = document.createElement('div');
  if (role) around.setAttribute('role', role);
  around.append(box);
  document.body.append(around);
  box.focus();
  return box;
}

it('gives letters to a box, and Esc leads from the box to the list', () => {
  const done = list();
  const box = focused();
  box.value = 'hai phiếu';
  press('2');
  press('ArrowDown');
  expect(done).toEqual([]);
  press('Escape');
  expect(document.activeElement).toBe(document.body);
  expect([box.value, done]).toEqual(['hai phiếu', []]);
  press('2');
  press('Escape');
  expect(done).toEqual(['2 on a', 'leave']);
});

it('leaves Esc to what lies over the page', () => {
  const done = list();
  const box = focused('dialog');
  press('Escape');
  expect(document.activeElement).toBe(box);
  expect(done).toEqual([]);
});
