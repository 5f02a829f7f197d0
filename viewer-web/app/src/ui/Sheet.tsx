import { CloseButton } from '@mantine/core';
import type { KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import css from './Sheet.module.css';

interface Props {
  title: string;
  onClose: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ReactNode;
}

/** A strip beside a page or its images, which it never covers. */
export function Sheet({ title, onClose, onKeyDown, children }: Props) {
  const { t } = useTranslation();
  return (
    <aside className={css.sheet} aria-label={title} onKeyDown={onKeyDown}>
      <header>
        <h2>{title}</h2>
        <CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} />
      </header>
      {children}
    </aside>
  );
}
