import { useState, type KeyboardEvent, type Ref } from 'react';
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

/** Asks on a row itself why something is done: Enter does it, Esc leads back to the list. */
export function ReasonInput({ label, placeholder, fault, ref, onReason, onLeave }: Props) {
  const [reason, setReason] = useState('');
  const onKey = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') {
      event.currentTarget.closest<HTMLElement>('[role="rowgroup"]')?.focus({ preventScroll: true });
      onLeave();
    }
    if (event.key === 'Enter' && reason.trim() !== '') onReason(reason.trim());
  };
  return (
    <>
      <input
        ref={ref} className={css.reason} autoFocus value={reason} maxLength={1024} aria-label={label} placeholder={placeholder} aria-invalid={Boolean(fault)}
        onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={onKey} onBlur={() => reason.trim() === '' && onLeave()}
        onClick={(event) => event.stopPropagation()} onDoubleClick={(event) => event.stopPropagation()}
      />
      {fault && <small role="alert" className={css.fault}>{fault}</small>}
    </>
  );
}
