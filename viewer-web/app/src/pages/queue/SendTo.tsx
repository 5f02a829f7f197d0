import { Button, Select } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { server, type SendWhat } from '~/api/server';
import { paths } from '~/app/paths';
import { useProblemText } from '~/ui/useProblemText';
import css from './QueuePage.module.css';

interface Props {
  studyUid: string;
  /** Which part of the exam, asked for when a device is chosen; without it all of it. */
  what?: () => SendWhat;
  autoFocus?: boolean;
  disabled?: boolean;
}

/** What is marked in the list is what Enter takes: the box's own count of it lags behind fast typing. */
function takeMarked(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.nativeEvent.isComposing || !(event.target instanceof HTMLInputElement)) return;
  const list = document.getElementById(event.target.getAttribute('aria-controls') ?? '');
  const marked = list?.querySelector<HTMLElement>('[data-combobox-selected]');
  if (!marked) return;
  event.preventDefault();
  event.stopPropagation();
  marked.click();
}

/** Puts an exam or a part of it into the queue for a device that is chosen; what was put there can be taken back at once. */
export function SendTo({ studyUid, what, autoFocus = false, disabled = false }: Props) {
  const { t } = useTranslation();
  const devices = useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => server.devices(signal) });
  const sending = useMutation({ mutationFn: (device: string) => server.send(studyUid, device, what?.() ?? {}) });
  const undoing = useMutation({ mutationFn: (id: number) => server.cancelTransfer(id), onSuccess: () => sending.reset() });
  const why = useProblemText(undoing.error ?? sending.error, t(undoing.error ? 'queue.tooLate' : 'send.already'));
  const send = (device: string): void => {
    undoing.reset();
    sending.mutate(device);
  };
  const reachable = devices.data?.items.filter(({ host, port }) => host !== null && port !== null) ?? [];
  const choices = reachable.map(({ aeTitle, description }) => ({ value: aeTitle, label: description ? `${aeTitle} · ${description}` : aeTitle }));
  return (
    <div className={css.sendTo} onKeyDownCapture={takeMarked}>
      <Select
        aria-label={t('send.to')} placeholder={t('send.to')} searchable selectFirstOptionOnChange data={choices} value={null} nothingFoundMessage={t('send.none')}
        autoFocus={autoFocus} disabled={disabled || sending.isPending} onChange={(device) => device && send(device)}
      />
      <p role="status">
        {devices.isLoadingError ? (
          <>{t('send.unlisted')} <Button variant="default" size="compact-xs" onClick={() => void devices.refetch()}>{t('state.retry')}</Button></>
        ) : sending.error ? why : sending.data && (
          <>
            {undoing.error ? why : t('send.queued', { device: sending.variables })}
            {' · '}<button type="button" disabled={undoing.isPending} onClick={() => undoing.mutate(sending.data.id)}>{t('action.undo')}</button>
            {' · '}<Link to={paths.queue}>{t('send.show')}</Link>
          </>
        )}
      </p>
    </div>
  );
}
