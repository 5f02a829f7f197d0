import { useTranslation } from 'react-i18next';
import { paths } from '~/app/paths';
import { PageTabs } from '~/ui/PageTabs';

const tabs = [
  { key: 'queue', path: paths.queue },
  { key: 'notices', path: paths.notices },
  { key: 'archives', path: paths.archives },
  { key: 'routes', path: paths.routes },
] as const;

/** The pages about what goes to other systems and comes from them. */
export function TransferTabs() {
  const { t } = useTranslation();
  return <PageTabs label={t('queue.pages.menu')} tabs={tabs.map(({ key, path }) => ({ path, title: t(`queue.pages.${key}`) }))} />;
}
