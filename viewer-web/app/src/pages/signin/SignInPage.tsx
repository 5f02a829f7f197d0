import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useEffect, useState, type FormEvent, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useLocation } from 'react-router';
import { Problem } from '~/api/http';
import { paths } from '~/app/paths';
import { useSession, useSignIn } from '~/app/session';
import { LanguageSwitch } from '~/ui/LanguageSwitch';
import { Mark } from '~/ui/Mark';
import { useProblemText } from '~/ui/useProblemText';
import css from './SignInPage.module.css';

/** Name and password; the language is chosen here too and remembered. */
export function SignInPage() {
  const { t } = useTranslation();
  const session = useSession();
  useEffect(() => {
    document.title = `${t('session.title')} · Sen`;
  }, [t]);
  const from = cameFrom(useLocation().state);
  if (session.data) return <Navigate to={from} replace />;
  return (
    <div className={css.page}>
      <div className={css.corner}><LanguageSwitch /></div>
      <main className={css.card}>
        <header className={css.head}>
          <Mark size={40} />
          <h1>Sen</h1>
          <p>{t('session.tagline')}</p>
        </header>
        <SignInForm />
      </main>
    </div>
  );
}

function SignInForm() {
  const { t } = useTranslation();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const [capsLock, setCapsLock] = useState(false);
  const signIn = useSignIn();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (user.trim() !== '' && password !== '') signIn.mutate({ user: user.trim(), password });
  };
  const watchCaps = (event: KeyboardEvent): void => setCapsLock(event.getModifierState('CapsLock'));
  const missing = (value: string): string | null => (tried && value.trim() === '' ? t('session.required') : null);
  return (
    <form onSubmit={submit} className={css.form} noValidate>
      <TextInput
        label={t('session.user')} value={user} onChange={(event) => setUser(event.currentTarget.value)}
        error={missing(user)} autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus
      />
      <PasswordInput
        label={t('session.password')} value={password} onChange={(event) => setPassword(event.currentTarget.value)}
        error={missing(password)} autoComplete="current-password" onKeyUp={watchCaps}
        description={capsLock ? t('session.capsLock') : null} inputWrapperOrder={['label', 'input', 'description', 'error']}
        visibilityToggleButtonProps={{ 'aria-label': t('session.show') }}
      />
      <SignInError error={signIn.error} />
      <Button type="submit" fullWidth loading={signIn.isPending}>{t('session.submit')}</Button>
    </form>
  );
}

function SignInError({ error }: { error: Error | null }) {
  const { t } = useTranslation();
  const other = useProblemText(error);
  if (!error) return null;
  const status = error instanceof Problem ? error.status : 0;
  const text = status === 401 ? t('session.wrong') : status === 429 ? t('session.tooMany') : other;
  return <p className={css.error} role="alert">{text}</p>;
}

/** The page to return to, only ever a path of these pages. */
function cameFrom(state: unknown): string {
  const from = typeof state === 'object' && state !== null && 'from' in state ? state.from : null;
  return typeof from === 'string' && from.startsWith('/') && !from.startsWith('//') ? from : paths.search;
}
