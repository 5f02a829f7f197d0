// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { phrases, startTranslations } from '~/i18n';
import { PatientPicker } from './PatientPicker';

startTranslations();
// There is no server here.
vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
afterEach(cleanup);

it('says that nobody could be asked, which is not the same as nobody found', async () => {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <MantineProvider>
      <QueryClientProvider client={client}><PatientPicker label="Ai?" except={null} onPick={() => undefined} /></QueryClientProvider>
    </MantineProvider>,
  );
  fireEvent.change(screen.getByLabelText('Ai?'), { target: { value: 'nguyen' } });
  await screen.findByText(phrases.vi.record.notAsked.replace('{{why}}', phrases.vi.error.unreachable));
  expect(screen.queryByText(phrases.vi.record.notFound)).toBeNull();
  fireEvent.change(screen.getByLabelText('Ai?'), { target: { value: 'n' } });
  expect(screen.queryByText(/Chưa tìm được/)).toBeNull();
});
