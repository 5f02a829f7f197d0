import { Button, CloseButton, Progress } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '~/format/bytes';
import type { Item, Totals } from './queue';
import type { Reason } from './stow';
import type { Upload } from './useUpload';
import css from './upload.module.css';

/** The upload under the list: one line of progress, every file below it, those that failed first. */
export function UploadPanel({ upload }: { upload: Upload }) {
  const { t } = useTranslation();
  if (!upload.state) {
    return upload.reading === null ? null : <section className={css.panel}><p className={css.line}>{t('search.upload.reading', { count: upload.reading })}</p></section>;
  }
  const { items, totals } = upload.state;
  return (
    <section className={css.panel} aria-label={t('search.upload.title')}>
      <header className={css.line}>
        <strong>{t('search.upload.title')}</strong>
        <Summary totals={totals} />
        <span className={css.space} />
        {totals.busy
          ? <Button variant="default" size="compact-xs" onClick={upload.stop}>{t('search.upload.cancel')}</Button>
          : <CloseButton size="sm" aria-label={t('action.close')} onClick={upload.close} />}
      </header>
      <Progress size={3} radius={0} value={totals.size === 0 ? 100 : (totals.sent / totals.size) * 100} aria-label={t('search.upload.title')} />
      <Files items={items} />
    </section>
  );
}

function Summary({ totals }: { totals: Totals }) {
  const { t, i18n } = useTranslation();
  const failed = totals.failed > 0 && <b>{t('search.upload.finishedFailed', { failed: totals.failed })}</b>;
  const skipped = totals.skipped > 0 && <span className={css.dim}>{t('search.upload.skipped', { count: totals.skipped })}</span>;
  const sizes = { sent: bytes(totals.sent, i18n.language), size: bytes(totals.size, i18n.language) };
  const progress = totals.busy
    ? t('search.upload.progress', { done: totals.done, total: totals.total, ...sizes })
    : t('search.upload.finished', { kept: totals.kept });
  return <span className={css.summary} role="status"><span>{progress}</span>{failed}{skipped}</span>;
}

const weight = { failed: 0, sending: 1, waiting: 2, skipped: 3, kept: 4 } as const;

function Files({ items }: { items: readonly Item[] }) {
  const { i18n } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const ordered = items.toSorted((a, b) => weight[a.state.is] - weight[b.state.is]);
  const virtual = useVirtualizer({ count: ordered.length, getScrollElement: () => box.current, estimateSize: () => 22, overscan: 6 });
  return (
    <div ref={box} className={css.files}>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = ordered[index];
          if (!item) return null;
          return (
            <div key={index} className={css.file} style={{ transform: `translateY(${start}px)` }} data-state={item.state.is}>
              <span className={css.fileName}>{item.name}</span>
              <Fate item={item} />
              <span className={css.size}>{bytes(item.file.size, i18n.language)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Fate({ item: { state } }: { item: Item }) {
  const { t } = useTranslation();
  const why = (reason: Reason): string =>
    typeof reason === 'number'
      ? t('search.upload.reason.unknown', { code: reason.toString(16).toUpperCase().padStart(4, '0') })
      : t(`search.upload.reason.${reason}`);
  if (state.is === 'kept') return <span className={css.dim}>{t('search.upload.kept')}</span>;
  if (state.is === 'failed') return <span className={css.why} title={state.comment ? `${t('action.technical')}: ${state.comment}` : ''}><b>{why(state.reason)}</b></span>;
  if (state.is === 'skipped') return <span className={css.dim}>{why(state.reason)}</span>;
  return <span className={css.dim}>{state.is === 'sending' ? '…' : t('search.upload.waiting')}</span>;
}
