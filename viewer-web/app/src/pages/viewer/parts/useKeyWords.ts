import { useTranslation } from 'react-i18next';
import { phrases } from '~/i18n';
import type { Binding } from '../model/keyMap';

type NamedKey = keyof (typeof phrases)['vi']['viewer']['key'];

/** How a key is written on its caps, Shift first. */
export function useKeyWords(): (binding: Pick<Binding, 'code' | 'shift' | 'ctrl'>) => string[] {
  const { t } = useTranslation();
  const cap = (code: string): string => (code in phrases.vi.viewer.key ? t(`viewer.key.${code as NamedKey}`) : code.replace(/^(Key|Digit)/, ''));
  return ({ code, shift, ctrl }) => [...(ctrl ? [t('viewer.key.Ctrl')] : []), ...(shift ? [t('viewer.key.Shift')] : []), cap(code)];
}
