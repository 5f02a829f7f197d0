// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { afterEach, expect, it } from 'vitest';
import { startTranslations } from '~/i18n';
import { startSlowServer, stopSlowServer } from '~/live/slowServer';
import { QueuePage } from './QueuePage';

startTranslations();
afterEach(() => {
  cleanup();
  stopSlowServer();
});

it('says how much there is of what matters, also while another part is being asked for', async () => {
  const counts = { open: 3, failed: 1 };
  const server = startSlowServer(() => ({ items: [], ...counts }));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}><MantineProvider><MemoryRouter><QueuePage /></MemoryRouter></MantineProvider></QueryClientProvider>);
  const parts = () => screen.getAllByRole<HTMLInputElement>('radio').map(({ labels }) => labels?.[0]?.textContent);
  await server.asked(1);
  await server.answer(0);
  const three = ['Đang chờ, đang gửi (3)', 'Không gửi được (1)', 'Đã xong'];
  expect(parts()).toEqual(three);
  fireEvent.click(screen.getByLabelText('Đã xong'));
  await server.asked(2);
  expect(parts()).toEqual(three);
  counts.open = 2;
  // What was known of a part before is no newer than what is known now.
  fireEvent.click(screen.getByLabelText(/^Không gửi được/));
  await server.asked(3);
  await server.answer(2);
  const two = ['Đang chờ, đang gửi (2)', 'Không gửi được (1)', 'Đã xong'];
  expect(parts()).toEqual(two);
  fireEvent.click(screen.getByLabelText(/^Đang chờ/));
  await server.asked(4);
  expect(parts()).toEqual(two);
});
