import { Button, CloseButton } from '@mantine/core';
import type { TFunction } from 'i18next';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { isText } from '~/keys/isText';
import css from './ui.module.css';

/** Something that is said in the language at hand, whichever was at hand when it happened. */
export type Words = (t: TFunction) => string;

/** What was just done and the way back from it (also Ctrl+Z). */
export interface Done {
  text: Words;
  undo: (() => void) | null;
  failed?: boolean;
}

/** A line under the list; it stays until the next act or until it is closed. */
export function UndoBar({ done, onClose }: { done: Done | null; onClose: () => void }) {
  const { t } = useTranslation();
  useEffect(() => {
    if (!done?.undo) return undefined;
    const undo = done.undo;
    const onKey = (event: KeyboardEvent): void => {
      // A key that is held down asks once.
      if (isText(event.target) || event.repeat || event.code !== 'KeyZ' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      undo();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [done]);
  if (!done) return null;
  return (
    <div className={css.undo} role="status" data-failed={done.failed || undefined}>
      <span>{done.text(t)}</span>
      {done.undo && <Button variant="default" size="compact-xs" onClick={done.undo}>{t('action.undo')} <kbd style={{ marginLeft: 6 }}>Ctrl Z</kbd></Button>}
      <span style={{ flex: 1 }} />
      <CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} />
    </div>
  );
}
