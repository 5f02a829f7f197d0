import { useTranslation } from 'react-i18next';
import type { Exam } from '~/api/types';
import { timeOf } from '~/format/dates';
import { personName } from '~/format/person';
import { Flags } from '~/ui/ExamLabel';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './OrderPage.module.css';

/** The orders saved since the page was opened, newest first: the clerk sees that each one is in. */
export function RecentOrders({ recent }: { recent: readonly { exam: Exam; savedAt: string }[] }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  return (
    <aside className={css.recent}>
      <h2>{t('order.recent')}</h2>
      {recent.length === 0 && <p className={css.dim}>{t('order.recentNone')}</p>}
      {recent.map(({ exam, savedAt }) => (
        <div key={exam.examId} className={css.saved}>
          <div><b>{personName(exam.patient.name)}</b><span className={css.dim}>{savedAt}</span></div>
          <div className={css.dim}>{exam.patient.id} · {short(exam.patient)}</div>
          <div>{exam.modality} · {exam.procedure.name}</div>
          <div className={css.dim}><span>{exam.accessionNumber}</span><span>{[exam.room ?? exam.stationAe, timeOf(exam.scheduledAt)].filter(Boolean).join(' · ')}</span><Flags flags={exam.flags} /></div>
        </div>
      ))}
    </aside>
  );
}
