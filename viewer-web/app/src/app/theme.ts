import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** Neutral greys without a tint: beside an image any tint would read as part of it. */
const greys: MantineColorsTuple = [
  '#d5d7da', '#b3b6bb', '#8d9197', '#63676d', '#3c4045', '#2c2f33', '#1e2023', '#151618', '#0f1011', '#0a0b0c',
];

/** The one accent: a quiet water blue. */
const accent: MantineColorsTuple = [
  '#e4f3f7', '#cbe6ee', '#a9d6e2', '#86c5d5', '#6cb6c9', '#4f9db2', '#3d8699', '#2f6b7b', '#234f5b', '#17343d',
];

const small = { defaultProps: { size: 'xs' } } as const;

/** Everything small and dense: 13 px text, controls of 28 px. */
export const theme = createTheme({
  fontFamily: '"Segoe UI", "Noto Sans", "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '13px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '1.35' },
  primaryColor: 'accent',
  primaryShade: { dark: 6, light: 6 },
  colors: { dark: greys, accent },
  defaultRadius: 4,
  cursorType: 'pointer',
  focusRing: 'auto',
  components: {
    Button: small,
    TextInput: small,
    PasswordInput: small,
    Textarea: small,
    Select: small,
    Checkbox: small,
    // What is chosen is marked at once: on its way the mark would stand between two words.
    SegmentedControl: { defaultProps: { size: 'xs', transitionDuration: 0 } },
    ActionIcon: { defaultProps: { size: 28, variant: 'subtle', color: 'gray' } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false, color: 'dark.5' } },
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 80 } } },
  },
});
