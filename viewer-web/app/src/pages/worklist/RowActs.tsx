import { useState, type KeyboardEvent, type MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Act, Exam } from '~/api/types';
import css from './WorklistPage.module.css';

interface Props {
  exam: Exam;
  busy: boolean;
  onAct: (exam: Exam, act: Act, reason?: string) => void;
  onOpen: (exam: Exam) => void;
}

/** In the order in which a day goes; the first is the likely one. */
const order: readonly Act[] = ['arrive', 'call', 'accept', 'restore', 'reopen', 'noShow', 'cancel', 'discontinue'];

/** What goes back or ends an exam early says why. */
const needsReason: ReadonlySet<Act> = new Set<Act>(['noShow', 'reopen', 'cancel', 'discontinue']);

/** The acts allowed now, on the row itself. Those that need a reason ask for it in place. */
export function RowActs({ exam, busy, onAct, onOpen }: Props) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<Act | null>(null);
  const still = (event: MouseEvent): void => event.stopPropagation();
  if (asking) return <Reason act={asking} onReason={(reason) => { setAsking(null); onAct(exam, asking, reason); }} onLeave={() => setAsking(null)} />;
  const allowed = order.filter((act) => exam.acts.includes(act));
  return (
    <span className={css.acts} onClick={still} onDoubleClick={still}>
      {allowed.map((act, index) => (
        <button
          key={act} type="button" className={index === 0 && !needsReason.has(act) ? css.likely : undefined} disabled={busy}
          onClick={() => (needsReason.has(act) ? setAsking(act) : onAct(exam, act))}
        >
          {t(`exam.act.${act}`)}
        </button>
      ))}
      {exam.instanceCount > 0 && exam.studyUid && <button type="button" title={t('worklist.open')} onClick={() => onOpen(exam)}>{t('field.images')}</button>}
    </span>
  );
}

function Reason({ act, onReason, onLeave }: { act: Act; onReason: (reason: string) => void; onLeave: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const onKey = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') onLeave();
    if (event.key === 'Enter' && reason.trim() !== '') onReason(reason.trim());
  };
  return (
    <input
      className={css.reason} autoFocus value={reason} aria-label={t('worklist.why', { act: t(`exam.act.${act}`) })} placeholder={`${t(`exam.act.${act}`)}: ${t('worklist.whyHint')}`}
      onChange={(event) => setReason(event.currentTarget.value)} onKeyDown={onKey} onBlur={() => reason.trim() === '' && onLeave()}
      onClick={(event) => event.stopPropagation()}
    />
  );
}
