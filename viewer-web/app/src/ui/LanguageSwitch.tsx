import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import { useSession } from '~/app/session';
import { languages, speak, type Language } from '~/i18n';
import css from './ui.module.css';

/** Vietnamese or English, each named in itself; who is signed in finds the choice again on every computer. */
export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  const signedIn = Boolean(useSession().data);
  const choose = (language: Language): void => {
    speak(language);
    // The page speaks it already; that the choice was not noted is found out at the next sign-in, and costs one click.
    if (signedIn) void server.chooseLanguage(language).catch(() => undefined);
  };
  return (
    <div className={css.switch} role="group" aria-label={t('language.name')}>
      {languages.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          title={t(`language.${language}`)}
          aria-pressed={i18n.language === language}
          onClick={() => choose(language)}
        >
          {language.toUpperCase()}
        </button>
      ))}
    </div>
  );
}
