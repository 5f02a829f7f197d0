import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { causes } from './words/causes';
import { corrections } from './words/corrections';
import { devices } from './words/devices';
import { exam } from './words/exam';
import { identity } from './words/identity';
import { intakes } from './words/intakes';
import { keeping } from './words/keeping';
import { search } from './words/search';
import { shell } from './words/shell';
import { transfer } from './words/transfer';
import { viewer } from './words/viewer';
import { work } from './words/work';

/** The languages, the first being the one people get who never chose. */
export const languages = ['vi', 'en'] as const;
/** A language the pages speak. */
export type Language = (typeof languages)[number];

/** Every phrase, by language. */
export const phrases = {
  vi: {
    ...shell.vi, corrections: corrections.vi, devices: devices.vi, exam: exam.vi, search: search.vi, viewer: viewer.vi,
    ...identity.vi, ...work.vi, ...transfer.vi, ...keeping.vi, ...intakes.vi, ...causes.vi,
  },
  en: {
    ...shell.en, corrections: corrections.en, devices: devices.en, exam: exam.en, search: search.en, viewer: viewer.en,
    ...identity.en, ...work.en, ...transfer.en, ...keeping.en, ...intakes.en, ...causes.en,
  },
};

const remembered = 'sen.language';

/** Starts the translations in the remembered language. */
export function startTranslations(): void {
  void i18next.use(initReactI18next).init({
    resources: { vi: { translation: phrases.vi }, en: { translation: phrases.en } },
    lng: chosenLanguage(),
    fallbackLng: 'vi',
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  document.documentElement.lang = chosenLanguage();
}

/** The language last chosen in this browser. */
export function chosenLanguage(): Language {
  try {
    return localStorage.getItem(remembered) === 'en' ? 'en' : 'vi';
  } catch {
    return 'vi';
  }
}

/** Speaks a language from now on, and remembers it in this browser. */
export function speak(language: Language): void {
  try {
    localStorage.setItem(remembered, language);
  } catch {
    // A browser that keeps nothing still changes the language of this page.
  }
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
