import { useTranslation } from 'react-i18next';
import { NavLink } from 'react-router';
import { paths } from '~/app/paths';
import css from './QueuePage.module.css';

const tabs = [
  { key: 'queue', path: paths.queue },
  { key: 'archives', path: paths.archives },
  { key: 'routes', path: paths.routes },
] as const;

/** The pages about what goes to other systems and comes from them. */
export function TransferTabs() {
  const { t } = useTranslation();
  return (
    <nav className={css.tabs} aria-label={t('queue.pages.menu')}>
      {tabs.map(({ key, path }) => (
        <NavLink key={key} to={path} end className={({ isActive }) => (isActive ? css.here ?? '' : '')}>{t(`queue.pages.${key}`)}</NavLink>
      ))}
    </nav>
  );
}
