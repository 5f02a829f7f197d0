import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { Device, Echo } from '~/api/types';
import { Why } from '~/ui/Why';
import { useLatest } from '~/ui/useLatest';
import { useProblemText } from '~/ui/useProblemText';
import css from './DevicesPage.module.css';

const askEveryMs = 400;
const askAtMost = 400;

/** A test that ended without a word. */
const cutOff = { code: 'lost', values: {}, detail: '' };

/** Calls the device and waits for what comes of it. */
async function test(aeTitle: string): Promise<Echo> {
  let echo = await server.beginEcho(aeTitle);
  for (let asked = 0; !echo.done && asked < askAtMost; asked += 1) {
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    echo = await server.echo(aeTitle, echo.jobId);
  }
  return echo;
}

/** Whether a device answers; also with the key `e`. */
export function EchoTest({ device, onDone }: { device: Device; onDone: () => void }) {
  const { t } = useTranslation();
  const echo = useMutation({ mutationFn: () => test(device.aeTitle), onSettled: onDone });
  const why = useProblemText(echo.error);
  const hasAddress = device.host !== null && device.port !== null;
  const latest = useLatest(() => hasAddress && !echo.isPending && echo.mutate());
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (typing || event.isComposing || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.key !== 'e') return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [latest]);
  return (
    <div className={css.echo}>
      <Button variant="default" disabled={!hasAddress} loading={echo.isPending} onClick={() => echo.mutate()}>{t('devices.echo')} <kbd className={css.cap}>E</kbd></Button>
      <span role="status" className={echo.data?.ok ? css.good : css.bad}>
        {!hasAddress ? <span className={css.dim}>{t('devices.echoNoAddress')}</span>
          : echo.isPending ? <span className={css.dim}>{t('devices.echoing')}</span>
            : echo.isError ? why
              : echo.data?.ok ? t('devices.echoOk', { ms: echo.data.tookMs ?? 0 })
                : echo.data ? <span className={css.why}><Why list="association" reason={echo.data.reason ?? cutOff} /></span> : null}
      </span>
    </div>
  );
}
