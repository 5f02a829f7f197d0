import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconKeyboard, IconMenu2, IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, Outlet } from 'react-router';
import { useKeySheet, useShownKeys } from '~/keys/pageKeys';
import { ConnectionBar } from '~/live/ConnectionBar';
import { KeySheet } from '~/ui/KeySheet';
import { LanguageSwitch } from '~/ui/LanguageSwitch';
import { Mark } from '~/ui/Mark';
import { paths } from './paths';
import { offers } from './rights';
import { useSession, useSignOut } from './session';
import css from './Shell.module.css';

const allPages = [
  { key: 'search', path: paths.search, needs: null },
  { key: 'worklist', path: paths.worklist, needs: null },
  { key: 'order', path: paths.order, needs: 'manageOrders' },
  { key: 'unmatched', path: paths.unmatched, needs: 'matchImages' },
  { key: 'reconciliation', path: paths.reconciliation, needs: 'reconcile' },
  { key: 'queue', path: paths.queue, needs: 'seeDevices' },
  { key: 'devices', path: paths.devices, needs: 'seeDevices' },
  { key: 'storage', path: paths.storage, needs: 'manageDevices' },
] as const;

/** The pages of the one who is signed in. */
function usePages() {
  const role = useSession().data?.user.role;
  return allPages.filter(({ needs }) => needs === null || offers(role, needs));
}

/** The bar on top of every page but the viewer, and the page below it. */
export function Shell() {
  const { t } = useTranslation();
  const pages = usePages();
  const keys = useShownKeys();
  const sheet = useKeySheet();
  return (
    <div className={css.shell}>
      <header className={css.bar}>
        <NarrowMenu />
        <Link to={paths.search} className={css.brand} aria-label="Sen"><Mark size={20} /><span>Sen</span></Link>
        <nav className={css.nav} aria-label={t('nav.menu')}>
          {pages.map(({ key, path }) => (
            <NavLink key={key} to={path} className={({ isActive }) => `${css.tab} ${isActive ? css.here : ''}`}>
              {t(`nav.${key}`)}
            </NavLink>
          ))}
        </nav>
        <span className={css.space} />
        <Tooltip label={<>{t('keys.title')} <kbd>F1</kbd></>}>
          <ActionIcon className={css.keys ?? ''} aria-label={t('keys.title')} aria-pressed={sheet.open} onClick={sheet.toggle}><IconKeyboard size={18} stroke={1.6} /></ActionIcon>
        </Tooltip>
        <LanguageSwitch />
        <Account />
      </header>
      <ConnectionBar />
      <div className={css.below}>
        <main className={css.page}><Outlet /></main>
        {sheet.open && <div className={css.sheet}><KeySheet groups={[...keys, { title: t('keys.everywhere'), lines: [{ caps: ['F1', '?'], what: t('keys.title') }, { caps: ['Tab'], what: t('keys.tab') }] }]} onClose={sheet.toggle} /></div>}
      </div>
    </div>
  );
}

/** The pages as a menu where the bar is too narrow for them. */
function NarrowMenu() {
  const { t } = useTranslation();
  const pages = usePages();
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <ActionIcon className={css.burger ?? ''} aria-label={t('nav.menu')}><IconMenu2 size={18} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {pages.map(({ key, path }) => <Menu.Item key={key} component={Link} to={path}>{t(`nav.${key}`)}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}

function Account() {
  const { t } = useTranslation();
  const { data: session } = useSession();
  const signOut = useSignOut();
  if (!session) return null;
  const role = roleWord(session.user.role);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <button type="button" className={css.account} aria-label={t('session.account')}>
          <IconUserCircle size={18} />
          <span className={css.accountName}>{session.user.displayName || session.user.name}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{role ? t(`session.role.${role}`) : session.user.role}</Menu.Label>
        <Menu.Item onClick={() => signOut.mutate()}>{t('session.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const roles = ['administrator', 'radiologist', 'radiographer', 'clerk', 'clinician', 'device'] as const;

function roleWord(role: string): (typeof roles)[number] | undefined {
  return roles.find((known) => known === role);
}
