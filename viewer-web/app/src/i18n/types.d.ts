import 'i18next';
import type { phrases } from './index';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: (typeof phrases)['vi'] };
  }
}
