// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, it } from 'vitest';
import { Problem } from '~/api/http';
import { startTranslations } from '~/i18n';
import { useSteps, type Step } from './useSteps';

startTranslations();

function steps() {
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  return renderHook(() => useSteps(() => undefined), { wrapper }).result;
}

const step = (text: string, run: Step['run']): Step => ({ run, text, conflict: `${text}: conflict` });

it('says what the last step came to, and offers its way back once', async () => {
  const result = steps();
  let undone = 0;
  const back = step('back', async () => {
    undone += 1;
    return step('redone', async () => undefined);
  });
  act(() => result.current.take(step('done', async () => back)));
  await waitFor(() => expect(result.current.done?.text).toBe('done'));
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect(result.current.done).toEqual({ text: 'back', undo: null }));
  expect(undone).toBe(1);
});

it('keeps a way back that failed, with its own reason, until the next step', async () => {
  const result = steps();
  let taken = false;
  const back = step('back', async () => {
    if (taken) throw new Problem(409);
  });
  act(() => result.current.take(step('done', async () => back)));
  await waitFor(() => expect(result.current.done?.text).toBe('done'));
  taken = true;
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect(result.current.done?.failed).toBe(true));
  expect(result.current.done?.text).toBe('back: conflict');
  taken = false;
  act(() => result.current.done?.undo?.());
  await waitFor(() => expect(result.current.done).toEqual({ text: 'back', undo: null }));
  act(() => result.current.take(step('next', () => Promise.reject(new Problem(409)))));
  await waitFor(() => expect(result.current.done).toMatchObject({ text: 'next: conflict', undo: null, failed: true }));
  act(() => result.current.take(step('after', async () => undefined)));
  await waitFor(() => expect(result.current.done).toEqual({ text: 'after', undo: null }));
});

it('asks what to say when it is done, and shows what failed at the form that it is of', async () => {
  const result = steps();
  let count = 0;
  const counted = { ...step('', async () => void (count = 8)), text: () => `${count} done` };
  act(() => result.current.take(counted));
  await waitFor(() => expect(result.current.done?.text).toBe('8 done'));
  const tooLong = new Problem(400);
  act(() => result.current.take({ ...step('merge', () => Promise.reject(tooLong)), form: 'merge' }));
  await waitFor(() => expect(result.current.failureOf('merge')).toBe(tooLong));
  expect(result.current.failureOf('unlink')).toBeNull();
  act(() => result.current.take(step('after', async () => undefined)));
  await waitFor(() => expect(result.current.failureOf('merge')).toBeNull());
});
