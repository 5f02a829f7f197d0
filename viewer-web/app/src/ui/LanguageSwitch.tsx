import { useTranslation } from 'react-i18next';
import { chooseLanguage, languages } from '~/i18n';
import css from './ui.module.css';

/** Vietnamese or English, each named in itself. */
export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <div className={css.switch} role="group" aria-label={t('language.name')}>
      {languages.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          title={t(`language.${language}`)}
          aria-pressed={i18n.language === language}
          onClick={() => chooseLanguage(language)}
        >
          {language.toUpperCase()}
        </button>
      ))}
    </div>
  );
}
