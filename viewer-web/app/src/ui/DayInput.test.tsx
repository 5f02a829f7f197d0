// @vitest-environment happy-dom
import { MantineProvider } from '@mantine/core';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { startTranslations } from '~/i18n';
import { DayInput } from './DayInput';

startTranslations();
afterEach(cleanup);

function typed(text: string, told: (string | null)[], withWrong: boolean): void {
  const onChange = (day: string | null): void => void told.push(day);
  const onWrong = (wrong: string): void => void told.push(`wrong ${wrong}`);
  render(<MantineProvider><DayInput label="Ngày" value="1980-02-03" onChange={onChange} {...(withWrong ? { onWrong } : {})} /></MantineProvider>);
  const box = screen.getByLabelText('Ngày');
  fireEvent.change(box, { target: { value: text } });
  fireEvent.blur(box);
}

it('tells text that is no day from an empty field, for whoever must not mix them up', () => {
  const told: (string | null)[] = [];
  typed('31/02/1980', told, true);
  expect(told).toEqual(['wrong 31/02/1980']);
  expect(screen.getByText('Ngày không có thật')).toBeTruthy();
  cleanup();
  told.length = 0;
  typed('', told, true);
  expect(told).toEqual([null]);
  cleanup();
  told.length = 0;
  typed('31/02/1980', told, false);
  expect(told).toEqual([null]);
});
