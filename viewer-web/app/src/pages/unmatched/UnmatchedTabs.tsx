import { useTranslation } from 'react-i18next';
import { paths } from '~/app/paths';
import { PageTabs } from '~/ui/PageTabs';

/** The pages about images that are not where they should be: without an order, or hidden from everybody. */
export function UnmatchedTabs() {
  const { t } = useTranslation();
  return <PageTabs label={t('unmatched.title')} tabs={[{ path: paths.unmatched, title: t('unmatched.title') }, { path: paths.rejected, title: t('rejected.title') }]} />;
}
