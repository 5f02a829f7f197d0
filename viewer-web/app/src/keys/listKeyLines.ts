import type { TFunction } from 'i18next';
import type { KeyLine } from '~/ui/KeySheet';

/** The keys that every list has, in words; `open` is what Enter does to the selected row. */
export function listKeyLines(t: TFunction, open: string | null): KeyLine[] {
  return [
    { caps: ['↑', '↓'], what: t('keys.move') },
    { caps: ['PgUp', 'PgDn'], what: t('keys.page') },
    { caps: ['Home', 'End'], what: t('keys.ends') },
    ...(open === null ? [] : [{ caps: ['Enter'], what: open }]),
    { caps: ['Esc'], what: t('keys.leave') },
  ];
}
