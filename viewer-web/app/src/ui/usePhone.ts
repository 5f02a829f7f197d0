import { useMediaQuery } from '@mantine/hooks';

/** Whether the screen is a phone's: rows stand in two lines there. */
export function usePhone(): boolean {
  return useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false });
}
