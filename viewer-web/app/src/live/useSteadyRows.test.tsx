// @vitest-environment happy-dom
import { act, renderHook } from '@testing-library/react';
import { expect, it } from 'vitest';
import { useSteadyRows } from './useSteadyRows';

const key = (row: string): string => row.slice(0, 1);

it('moves no row under the pointer, and says what has come', () => {
  const { result, rerender } = renderHook(({ view, answer }) => useSteadyRows(view, answer, key), { initialProps: { view: 'open', answer: ['a1', 'b1'] } });
  rerender({ view: 'open', answer: ['n1', 'a1', 'b1'] });
  expect(result.current.rows).toEqual(['n1', 'a1', 'b1']);

  act(() => result.current.hold.onPointerMove());
  rerender({ view: 'open', answer: ['m1', 'n2', 'b2'] });
  expect(result.current).toMatchObject({ rows: ['n2', 'a1', 'b2'], fresh: 1 });
  act(() => result.current.hold.onPointerLeave());
  expect(result.current).toMatchObject({ rows: ['m1', 'n2', 'b2'], fresh: 0 });

  act(() => result.current.hold.onPointerMove());
  act(() => result.current.show());
  rerender({ view: 'open', answer: ['b2'] });
  expect(result.current.rows).toEqual(['b2']);
  rerender({ view: 'open', answer: ['c1', 'b3'] });
  expect(result.current).toMatchObject({ rows: ['b3'], fresh: 1 });
  rerender({ view: 'ended', answer: ['z1'] });
  expect(result.current).toMatchObject({ rows: ['z1'], fresh: 0 });
});
