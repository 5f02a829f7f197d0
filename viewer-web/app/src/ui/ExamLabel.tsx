import { useTranslation } from 'react-i18next';
import type { LabelKey } from '~/api/types';
import { phrases } from '~/i18n';
import css from './ui.module.css';

/** How far along its life each label is, in eighths; a neutral pie beside the word, never instead of it. */
const progress: Record<LabelKey, number | 'stopped'> = {
  ordered: 0, scheduled: 1, arrived: 2, called: 2, inProgress: 3, toVerify: 4, toRead: 5,
  beingRead: 6, preliminary: 6, toSign: 7, final: 8, amended: 8, cancelled: 'stopped', discontinued: 'stopped',
};

/** The label of an exam: the word, with how far it has come. */
export function ExamLabel({ label }: { label: LabelKey | null }) {
  const { t } = useTranslation();
  if (!label || !(label in progress)) return null;
  return (
    <span className={css.label}>
      <Pie of={progress[label]} />
      {t(`exam.label.${label}`)}
    </span>
  );
}

function Pie({ of }: { of: number | 'stopped' }) {
  const around = 2 * Math.PI * 2.5;
  return (
    <svg className={css.pie} width="12" height="12" viewBox="0 0 12 12" aria-hidden>
      <circle cx="6" cy="6" r="5" fill="none" stroke="var(--faint)" />
      {of === 'stopped' ? (
        <path d="M3.5 8.5l5-5" stroke="var(--faint)" />
      ) : (
        <circle cx="6" cy="6" r="2.5" fill="none" stroke="var(--dim)" strokeWidth="5" strokeDasharray={`${(around * of) / 8} ${around}`} transform="rotate(-90 6 6)" />
      )}
    </svg>
  );
}

type FlagKey = keyof (typeof phrases)['vi']['exam']['flag'];

/** The flags of an exam: words; red only for emergency and critical, amber only for overdue. */
export function Flags({ flags }: { flags: readonly string[] }) {
  const { t } = useTranslation();
  const known = flags.filter((flag): flag is FlagKey => flag in phrases.vi.exam.flag);
  return known.map((flag) => (
    <span key={flag} className={`${css.flag} ${colour(flag)}`}>{t(`exam.flag.${flag}`)}</span>
  ));
}

function colour(flag: FlagKey): string {
  if (flag === 'emergency' || flag === 'critical') return css.emergency ?? '';
  return flag === 'overdue' ? (css.overdue ?? '') : '';
}
