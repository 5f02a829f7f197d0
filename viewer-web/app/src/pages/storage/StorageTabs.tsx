import { useTranslation } from 'react-i18next';
import { paths } from '~/app/paths';
import { PageTabs } from '~/ui/PageTabs';

/** The pages about what is kept, and what comes from old archives. */
export function StorageTabs() {
  const { t } = useTranslation();
  return <PageTabs label={t('storage.title')} tabs={[{ path: paths.storage, title: t('storage.title') }, { path: paths.intakes, title: t('intakes.title') }]} />;
}
