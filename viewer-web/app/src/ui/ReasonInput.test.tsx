// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { StrictMode, useState } from 'react';
import { afterEach, expect, it } from 'vitest';
import { ReasonInput } from './ReasonInput';

afterEach(cleanup);

function Row({ told }: { told: string[] }) {
  const [isAsking, setAsking] = useState(true);
  return (
    <div role="rowgroup" tabIndex={0}>
      {isAsking && <ReasonInput label="why" placeholder="" onReason={(reason) => told.push(reason)} onLeave={() => setAsking(false)} />}
    </div>
  );
}

it('has the keys at once, does nothing without a reason, and stays until it is told to go', () => {
  const told: string[] = [];
  render(<Row told={told} />);
  const box = screen.getByLabelText('why');
  expect(document.activeElement).toBe(box);
  fireEvent.change(box, { target: { value: '  ' } });
  fireEvent.keyDown(box, { key: 'Enter' });
  expect(told).toEqual([]);
  fireEvent.change(box, { target: { value: ' wrong side ' } });
  fireEvent.keyDown(box, { key: 'Enter', isComposing: true });
  fireEvent.blur(box);
  expect([told, screen.queryByLabelText('why')]).toEqual([[], box]);
  fireEvent.keyDown(box, { key: 'Enter' });
  expect(told).toEqual(['wrong side']);
});

it('gives the keys back to the list when it goes with its row, and takes them from nothing else', async () => {
  function Page({ isThere }: { isThere: boolean }) {
    return (
      <>
        <div role="rowgroup" tabIndex={0}>{isThere && <ReasonInput label="why" placeholder="" onReason={() => undefined} onLeave={() => undefined} />}</div>
        <button type="button">other</button>
      </>
    );
  }
  const { rerender } = render(<Page isThere />);
  await act(async () => rerender(<Page isThere={false} />));
  expect(document.activeElement).toBe(screen.getByRole('rowgroup'));
  rerender(<Page isThere />);
  const other = screen.getByRole('button');
  other.focus();
  await act(async () => rerender(<Page isThere={false} />));
  expect(document.activeElement).toBe(other);
});

it('says of itself what is wrong with it', () => {
  const { rerender } = render(<ReasonInput label="why" placeholder="" onReason={() => undefined} onLeave={() => undefined} />);
  const box = screen.getByLabelText('why');
  expect([box.getAttribute('aria-invalid'), box.getAttribute('aria-describedby')]).toEqual(['false', null]);
  rerender(<ReasonInput label="why" placeholder="" fault="too long" onReason={() => undefined} onLeave={() => undefined} />);
  expect([box.getAttribute('aria-invalid'), box.getAttribute('aria-describedby')]).toEqual(['true', screen.getByText('too long').id]);
});

it('gives the keys back to the list when it is left by Esc', async () => {
  render(<Row told={[]} />);
  const box = screen.getByLabelText('why');
  fireEvent.change(box, { target: { value: 'something' } });
  await act(async () => void fireEvent.keyDown(box, { key: 'Escape' }));
  expect(screen.queryByLabelText('why')).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole('rowgroup'));
});

it('stays, with the keys, where React tries every effect twice', async () => {
  await act(async () => void render(<StrictMode><Row told={[]} /></StrictMode>));
  expect(document.activeElement).toBe(screen.getByLabelText('why'));
});
