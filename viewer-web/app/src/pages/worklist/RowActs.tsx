import type { MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Act, Exam } from '~/api/types';
import { ReasonInput } from '~/ui/ReasonInput';
import { actsInOrder, digitOf, needsReason } from './acts';
import css from './WorklistPage.module.css';

interface Props {
  exam: Exam;
  busy: boolean;
  /** The act that waits for its reason. */
  asking: Act | null;
  onAsk: (exam: Exam, act: Act | null) => void;
  onAct: (exam: Exam, act: Act, reason?: string) => void;
}

/** The acts allowed now, on the row itself. Those that need a reason ask for it in place. */
export function RowActs({ exam, busy, asking, onAsk, onAct }: Props) {
  const { t } = useTranslation();
  const still = (event: MouseEvent): void => event.stopPropagation();
  if (asking) {
    const leave = (): void => onAsk(exam, null);
    const act = t(`exam.act.${asking}`);
    return <ReasonInput label={t('worklist.why', { act })} placeholder={`${act}: ${t('worklist.whyHint')}`} onReason={(reason) => { leave(); onAct(exam, asking, reason); }} onLeave={leave} />;
  }
  const allowed = actsInOrder.filter((act) => exam.acts.includes(act));
  return (
    <span className={css.acts} onClick={still} onDoubleClick={still}>
      {allowed.map((act, index) => (
        <button
          key={act} type="button" tabIndex={-1} className={index === 0 && !needsReason.has(act) ? css.likely : undefined} disabled={busy}
          title={`${t(`exam.act.${act}`)} (${digitOf(act)})`} onClick={() => (needsReason.has(act) ? onAsk(exam, act) : onAct(exam, act))}
        >
          {t(`exam.act.${act}`)}
        </button>
      ))}
    </span>
  );
}
