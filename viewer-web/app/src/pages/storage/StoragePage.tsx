import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import { useChanges } from '~/live/changes';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { BackupCard } from './BackupCard';
import { BackupRuns } from './BackupRuns';
import { DamagedImages } from './DamagedImages';
import { SpaceCard } from './SpaceCard';
import { StorageTabs } from './StorageTabs';
import css from './StoragePage.module.css';
import { VerificationCard } from './VerificationCard';

/** How often room and progress are asked for again; damage is told at once. */
const askAgainMs = 15_000;

type Shown = 'runs' | 'damaged';

/** Lưu trữ: is there room, is there a backup, is everything still what was stored? */
export function StoragePage() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['storage'], queryFn: ({ signal }) => server.storage(signal), refetchInterval: askAgainMs });
  const [chosen, setChosen] = useState<Shown | null>(null);
  useChanges(['instance.damaged'], () => void query.refetch());
  useEffect(() => {
    document.title = `${t('nav.storage')} · Sen`;
  }, [t]);
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <LoadFailed error={query.error} onRetry={() => void query.refetch()} />;
  const storage = query.data;
  const shown = chosen ?? (storage.damaged.length > 0 ? 'damaged' : 'runs');
  return (
    <div className={css.page}>
      <StorageTabs />
      <div className={css.cards}>
        <SpaceCard storage={storage} />
        <BackupCard backup={storage.backup} />
        <VerificationCard verification={storage.verification} />
      </div>
      <div className={css.choice}>
        <SegmentedControl
          value={shown} onChange={(value) => setChosen(value as Shown)} aria-label={t('storage.title')}
          data={[
            { value: 'runs', label: t('storage.runs') },
            { value: 'damaged', label: storage.damaged.length > 0 ? `${t('storage.damaged')} (${storage.verification.damaged})` : t('storage.damaged') },
          ]}
        />
      </div>
      <div className={css.list}>{shown === 'runs' ? <BackupRuns runs={storage.backup.runs} /> : <DamagedImages damaged={storage.damaged} />}</div>
    </div>
  );
}
