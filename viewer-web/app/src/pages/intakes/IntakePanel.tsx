import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Intake, IntakeDetails } from '~/api/keepingTypes';
import { bytes } from '~/format/bytes';
import { day, instant } from '~/format/dates';
import { Facts } from '~/ui/Facts';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { PanelHead, SidePanel } from '~/ui/SidePanel';
import ui from '~/ui/ui.module.css';
import { useWhy } from '~/ui/useWhy';
import { Why } from '~/ui/Why';
import { intakeActs, isAllowed, type IntakeAct } from './useIntakeActs';
import css from './IntakesPage.module.css';

/** What could not be taken comes now and then, while something is taken. */
const lookEveryMs = 5000;

interface Props {
  row: Intake;
  busy: boolean;
  onAct: (row: Intake, act: IntakeAct) => void;
}

/** How an import or a migration was asked for, what came of it, and what of it could not be taken. */
export function IntakePanel({ row, busy, onAct }: Props) {
  const { t, i18n } = useTranslation();
  const figure = (count: number): string => new Intl.NumberFormat(i18n.language).format(count);
  const facts: [string, string | null][] = [
    [t('intakes.days'), row.newestDate && row.oldestDate && `${day(row.newestDate)} → ${day(row.oldestDate)}`],
    [t('intakes.hours'), row.hours],
    [t('intakes.rate'), row.bytesPerSecond > 0 ? t('intakes.perSecond', { size: bytes(row.bytesPerSecond, i18n.language) }) : t('intakes.noRate')],
    [t('intakes.taken'), figure(row.taken)],
    [t('intakes.present'), row.present > 0 ? figure(row.present) : null],
    [t('intakes.conflicts'), row.conflicts > 0 ? figure(row.conflicts) : null],
    [t('intakes.skipped'), row.skipped > 0 ? figure(row.skipped) : null],
    [t('intakes.failed'), figure(row.failed)],
    [t('intakes.size'), bytes(row.bytes, i18n.language)],
    [t('intakes.started'), instant(row.startedAt)],
    [t('intakes.updated'), row.endedAt ? null : instant(row.updatedAt)],
    [t('intakes.ended'), row.endedAt && instant(row.endedAt)],
  ];
  return (
    <SidePanel label={row.from.join(', ')}>
      <PanelHead title={row.from.join(', ')} note={t(`intakes.kind.${row.kind}`)}>
        {intakeActs.map((act, at) => isAllowed(row, act) && (
          <Button key={act} variant="default" disabled={busy} onClick={() => onAct(row, act)} rightSection={<kbd>{at + 1}</kbd>}>{t(`intakes.act.${act}`)}</Button>
        ))}
      </PanelHead>
      {row.note && <div className={css.note} role="note"><Why list="waiting" reason={row.note} /></div>}
      {row.state === 'running' && !row.byServer && <p className={css.note}>{t('intakes.commandHint')}</p>}
      <Facts facts={facts} />
      <NotTaken row={row} />
    </SidePanel>
  );
}

/** What was not taken, and why; the other PACS's own count beside ours. */
function NotTaken({ row }: { row: Intake }) {
  const { t } = useTranslation();
  const { whole, technical } = useWhy('notTaken');
  const query = useInfiniteQuery({
    queryKey: ['intakes', row.id], initialPageParam: '', staleTime: 0, refetchInterval: row.state === 'running' ? lookEveryMs : false,
    queryFn: ({ signal, pageParam }) => server.intake(row.id, pageParam, signal),
    getNextPageParam: (page: IntakeDetails) => (page.more ? page.notTaken.at(-1)?.name : undefined),
  });
  // What came between the last look and the end.
  const { refetch } = query;
  useEffect(() => {
    if (row.state !== 'running') void refetch({ cancelRefetch: false });
  }, [row.state, refetch]);
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <LoadFailed error={query.error} onRetry={() => void query.refetch()} />;
  const compared = query.data.pages[0]?.compared ?? null;
  const items = query.data.pages.flatMap(({ notTaken }) => notTaken);
  return (
    <>
      {compared && compared.studies > 0 && (
        <>
          <h3>{t('intakes.compared')}</h3>
          <p className={css.compared}>{t('intakes.counts', { studies: compared.studies, arrived: compared.arrived, expected: compared.expected, incomplete: compared.incomplete })}</p>
          {compared.uncounted > 0 && <p className={css.compared}>{t('intakes.uncounted', { count: compared.uncounted })}</p>}
        </>
      )}
      <h3>{t('intakes.notTaken')}</h3>
      {items.length === 0 ? <p className={ui.dim}>{t('intakes.allTaken')}</p> : (
        <ul className={css.missing}>
          {items.map(({ name, skipped, reason }) => (
            <li key={name} data-skipped={skipped || undefined}><span>{name}</span><span title={technical(reason)}>{skipped ? `${t('intakes.skippedMark')}: ${whole(reason)}` : whole(reason)}</span></li>
          ))}
        </ul>
      )}
      {query.hasNextPage && <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('intakes.more')}</Button>}
    </>
  );
}
