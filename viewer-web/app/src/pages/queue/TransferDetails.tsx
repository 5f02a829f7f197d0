import { Button, CloseButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Transfer } from '~/api/transferTypes';
import { instant } from '~/format/dates';
import { actorName, personName } from '~/format/person';
import { LoadFailed } from '~/ui/LoadState';
import { usePatientWords } from '~/ui/usePatientWords';
import { useWhy } from '~/ui/useWhy';
import { Why } from '~/ui/Why';
import { allowedOn, type QueueAct } from './acts';
import { ProgressBar, StateWord } from './columns';
import { useTransferWords } from './useTransferWords';
import css from './QueuePage.module.css';

interface Props {
  row: Transfer;
  busy: boolean;
  /** What can be done, where there is no room for it on the row. */
  onAct: ((row: Transfer, act: QueueAct) => void) | null;
  onClose: () => void;
}

/** Everything that is known of a transfer: why it does not go on, and which images did not arrive. */
export function TransferDetails({ row, busy, onAct, onClose }: Props) {
  const { t } = useTranslation();
  const { place, commitment } = useTransferWords();
  const { short } = usePatientWords();
  const facts: [string, string | null][] = [
    [t('queue.originTitle'), [t(`queue.origin.${row.origin}`), row.originName].filter(Boolean).join(' · ')],
    [t('queue.by'), row.createdBy && actorName(row.createdBy)],
    [t('queue.asked'), instant(row.createdAt)],
    [t('queue.priorityTitle'), t(`queue.priority.${row.priority}`)],
    [t('queue.tries'), row.attempts > 0 ? String(row.attempts) : null],
    [t('queue.commitmentTitle'), commitment(row) || null],
  ];
  return (
    <aside className={css.panel} aria-label={place(row)}>
      <CloseButton className={css.close ?? ''} size="sm" aria-label={t('action.close')} onClick={onClose} />
      <div>
        <h2>{place(row)}</h2>
        {row.study && <p>{[personName(row.study.patient.name), row.study.patient.id, short(row.study.patient)].filter(Boolean).join(' · ')}</p>}
        {row.study?.description && <p className={css.dim}>{row.study.description}</p>}
        <p className={css.standing}><StateWord row={row} /><ProgressBar row={row} /></p>
        {onAct && (
          <p className={css.acts}>
            {allowedOn(row).map((act) => <Button key={act} variant="default" size="compact-xs" disabled={busy} onClick={() => onAct(row, act)}>{t(`queue.act.${act}`)}</Button>)}
          </p>
        )}
      </div>
      <div>
        {row.error && (
          <div className={css.trouble} role="note">
            <Why list="transfer" reason={row.error} />
            {row.state === 'waiting' && <span>{t('queue.nextTry', { time: instant(row.dueAt) })}</span>}
          </div>
        )}
        {row.failed > 0 && <Missed row={row} />}
      </div>
      <dl>{facts.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </aside>
  );
}

function Missed({ row }: { row: Transfer }) {
  const { t } = useTranslation();
  const { whole, technical } = useWhy('transfer');
  const { data, error, isLoadingError, refetch } = useQuery({ queryKey: ['queue', 'failures', row.id, row.failed, row.attempts], queryFn: ({ signal }) => server.transferFailures(row.id, signal) });
  return (
    <section className={css.missed}>
      <h3>{t('queue.missed', { count: row.failed })}</h3>
      <ul>
        {data?.items.map((item) => (
          <li key={item.instanceUid}>
            <span className="cut" title={item.instanceUid}>{item.instanceUid}</span>
            <span title={technical(item.reason)}>{whole(item.reason)}</span>
          </li>
        ))}
      </ul>
      {isLoadingError && <LoadFailed error={error} onRetry={() => void refetch()} />}
      {data && data.items.length < row.failed && <p className={css.dim}>{t('queue.missedMore', { count: row.failed - data.items.length })}</p>}
    </section>
  );
}
