import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { paths } from '~/app/paths';
import { Empty } from '~/ui/LoadState';

/** An address that leads nowhere. */
export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <Empty title={t('state.notFound')}>
      <Button component={Link} to={paths.search} variant="default">{t('state.home')}</Button>
    </Empty>
  );
}
