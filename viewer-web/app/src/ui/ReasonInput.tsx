import { useMergedRef } from '@mantine/hooks';
import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type Ref } from 'react';
import css from './ui.module.css';

interface Props {
  label: string;
  placeholder: string;
  /** What the server found wrong with it. */
  fault?: string | null;
  ref?: Ref<HTMLInputElement>;
  onReason: (reason: string) => void;
  onLeave: () => void;
}

/** Asks on a row itself why something is done: Enter does it, Esc leads back to the list, which has the keys again. */
export function ReasonInput({ label, placeholder, fault, ref, onReason, onLeave }: Props) {
  const [reason, setReason] = useState('');
  const faultId = useId();
  const box = useRef<HTMLInputElement>(null);
  // However it goes, also with its row: the keys would be nowhere.
  useLayoutEffect(() => {
    const here = box.current;
    return () => {
      if (!here || here !== document.activeElement) return;
      const list = here.closest<HTMLElement>('[role="rowgroup"]');
      // Once it has gone: StrictMode tries this on one that stays.
      queueMicrotask(() => {
        if (!here.isConnected && document.activeElement === document.body) list?.focus({ preventScroll: true });
      });
    };
  }, []);
  const onKey = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') onLeave();
    if (event.key === 'Enter' && reason.trim() !== '') onReason(reason.trim());
  };
  return (
    <>
      <input
        ref={useMergedRef(box, ref)} className={css.reason} autoFocus value={reason} maxLength={1024} aria-label={label} placeholder={placeholder} aria-invalid={Boolean(fault)} aria-describedby={fault ? faultId : undefined}
        onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={onKey} onBlur={() => reason.trim() === '' && onLeave()}
        onClick={(event) => event.stopPropagation()} onDoubleClick={(event) => event.stopPropagation()}
      />
      {fault && <small id={faultId} role="alert" className={css.fault}>{fault}</small>}
    </>
  );
}
