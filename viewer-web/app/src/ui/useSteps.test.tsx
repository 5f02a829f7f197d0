// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, render, renderHook, screen, waitFor } from '@testing-library/react';
import i18next, { type TFunction } from 'i18next';
import type { ReactNode } from 'react';
import { afterEach, expect, it } from 'vitest';
import { Problem } from '~/api/http';
import { speak, startTranslations } from '~/i18n';
import { UndoBar } from './UndoBar';
import { useSteps, type Step } from './useSteps';

startTranslations();
afterEach(() => {
  cleanup();
  speak('vi');
});

function steps() {
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  return renderHook(() => useSteps(() => undefined), { wrapper }).result;
}

const step = (text: string, run: Step['run']): Step => ({ run, text: () => text, conflict: () => `${text}: conflict` });

const said = ({ current }: ReturnType<typeof steps>): string | undefined => current.done?.text(i18next.t);

it('says what the last step came to, and offers its way back once', async () => {
  const result = steps();
  let undone = 0;
  const back = step('back', async () => {
    undone += 1;
    return step('redone', async () => undefined);
  });
  act(() => result.current.take(step('done', async () => back)));
  await waitFor(() => expect(said(result)).toBe('done'));
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect([said(result), result.current.done?.undo]).toEqual(['back', null]));
  expect(undone).toBe(1);
});

it('keeps a way back that failed, with its own reason, until the next step', async () => {
  const result = steps();
  let taken = false;
  const back = step('back', async () => {
    if (taken) throw new Problem(409);
  });
  act(() => result.current.take(step('done', async () => back)));
  await waitFor(() => expect(said(result)).toBe('done'));
  taken = true;
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect(result.current.done?.failed).toBe(true));
  expect(said(result)).toBe('back: conflict');
  taken = false;
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect([said(result), result.current.done?.undo]).toEqual(['back', null]));
  act(() => result.current.take(step('next', () => Promise.reject(new Problem(409)))));
  await waitFor(() => expect([said(result), result.current.done?.undo, result.current.done?.failed]).toEqual(['next: conflict', null, true]));
  act(() => result.current.take(step('after', async () => undefined)));
  await waitFor(() => expect([said(result), result.current.done?.undo]).toEqual(['after', null]));
});

it('asks what to say when it is done, and shows what failed at the form that it is of', async () => {
  const result = steps();
  let count = 0;
  const counted = { ...step('', async () => void (count = 8)), text: () => `${count} done` };
  act(() => result.current.take(counted));
  await waitFor(() => expect(said(result)).toBe('8 done'));
  const tooLong = new Problem(400);
  act(() => result.current.take({ ...step('merge', () => Promise.reject(tooLong)), form: 'merge' }));
  await waitFor(() => expect(result.current.failureOf('merge')).toBe(tooLong));
  expect(result.current.failureOf('unlink')).toBeNull();
  act(() => result.current.take(step('after', async () => undefined)));
  await waitFor(() => expect(result.current.failureOf('merge')).toBeNull());
});

it('says what was done, and what failed, in the language at hand', async () => {
  const words = { text: (t: TFunction) => t('corrections.saved', { count: 2 }), conflict: (t: TFunction) => t('corrections.conflict') };
  let taken = false;
  const run = (): Promise<void> => (taken ? Promise.reject(new Problem(409)) : Promise.resolve());
  function Foot() {
    const { take, done, close } = useSteps(() => undefined);
    return <><button type="button" onClick={() => take({ run, ...words })}>do it</button><UndoBar done={done} onClose={close} /></>;
  }
  const client = new QueryClient();
  render(<QueryClientProvider client={client}><MantineProvider><Foot /></MantineProvider></QueryClientProvider>);
  const bar = (): string | null => screen.queryByRole('status')?.textContent ?? null;
  act(() => screen.getByText('do it').click());
  await waitFor(() => expect(bar()).toBe('Đã sửa 2 mục'));
  act(() => speak('en'));
  expect(bar()).toBe('Values corrected: 2');
  taken = true;
  act(() => screen.getByText('do it').click());
  await waitFor(() => expect(bar()).toBe('The exam has changed meanwhile. Look again, then retry.'));
  act(() => speak('vi'));
  expect(bar()).toBe('Ca đã thay đổi trong lúc này. Xem lại rồi thử lần nữa.');
});
