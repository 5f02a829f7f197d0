import { ActionIcon, Button, Select } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { orderFormQuery } from '~/api/queries';
import type { WorklistFilter } from '~/api/server';
import type { Act, Exam } from '~/api/types';
import { viewerPath } from '~/app/paths';
import { useZone } from '~/app/session';
import { shiftDay, timeOf, wallOf } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { roomNames } from '~/format/rooms';
import { DayInput } from '~/ui/DayInput';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { UndoBar } from '~/ui/UndoBar';
import { usePhone } from '~/ui/usePhone';
import { RowActs } from './RowActs';
import { actOf, actsInOrder, digitOf, needsReason } from './acts';
import { ExamDetails } from './ExamDetails';
import { ExamGrid } from './ExamGrid';
import { useActs, useWorklist } from './useWorklist';
import css from './WorklistPage.module.css';

/** Danh sách thực hiện: the exams of a day with the acts that move them, live. */
export function WorklistPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const zone = useZone();
  const phone = usePhone();
  const [filter, setFilter] = useState<WorklistFilter>(() => ({ date: wallOf(zone).day, modality: null, room: null }));
  const [selected, setSelected] = useState<string | null>(null);
  const [asking, setAsking] = useState<{ examId: number; act: Act } | null>(null);
  const list = useWorklist(filter);
  const acts = useActs(list.replace, list.look);
  // It has gone, or another day is shown. Should it come back, it is not to take the keys from whatever is done by then.
  if (asking !== null && !list.query.isPending && !list.exams.some(({ examId }) => examId === asking.examId)) setAsking(null);
  const ask = useCallback((exam: Exam, act: Act | null) => {
    // The keys are of the row that is asked about, also once they are the list's again.
    if (act) setSelected(String(exam.examId));
    setAsking(act && { examId: exam.examId, act });
  }, []);
  const onDigit = (exam: Exam, digit: number): void => {
    const act = actOf(digit, exam.acts);
    if (act === null || acts.busy === exam.examId) return;
    if (needsReason.has(act)) ask(exam, act);
    else acts.run(exam, act);
  };
  const select = useCallback((exam: Exam) => setSelected(String(exam.examId)), []);
  const open = useCallback((exam: Exam) => exam.studyUid && exam.instanceCount > 0 && void navigate(viewerPath(exam.studyUid)), [navigate]);
  useListKeys({ rows: list.exams, rowKey: (exam) => String(exam.examId), selected, onSelect: select, onOpen: open, onClearSearch: () => setSelected(null), onDigit });
  useWorklistKeys();
  useEffect(() => {
    document.title = `${t('nav.worklist')} · Sen`;
  }, [t]);
  const { query } = list;
  const shown = list.exams.find((exam) => String(exam.examId) === selected);
  return (
    <div className={css.page}>
      <Filters filter={filter} onChange={setFilter}>
        <span className={css.dim}>{query.data && t('worklist.count', { count: list.exams.length })}</span>
        <span className={css.dim}>{list.asOf && t('worklist.asOf', { time: timeOf(list.asOf) })}</span>
      </Filters>
      <FreshBar count={list.fresh} inPlace onShow={() => void list.showFresh()} />
      {query.isPending ? <Loading />
        : query.isError && !query.data ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : list.exams.length === 0 ? <Empty title={t('worklist.empty')} hint={t('worklist.emptyHint')} />
            : <ExamGrid exams={list.exams} selected={selected} busy={acts.busy} asking={asking} onAsk={ask} onSelect={select} onOpen={open} onAct={acts.run} />}
      {shown && (
        <ExamDetails
          exam={shown} onClose={() => setSelected(null)}
          acts={phone && <RowActs exam={shown} busy={acts.busy === shown.examId} asking={asking?.examId === shown.examId ? asking.act : null} onAsk={ask} onAct={acts.run} />}
          onOpen={phone && shown.studyUid && shown.instanceCount > 0 ? () => open(shown) : null}
        />
      )}
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

/** The keys of this page, for the sheet. */
function useWorklistKeys(): void {
  const { t } = useTranslation();
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    {
      title: t('keys.acts'),
      lines: [...actsInOrder.map((act) => ({ caps: [String(digitOf(act))], what: t(`exam.act.${act}`) })), { caps: ['Ctrl', 'Z'], what: t('action.undo') }],
    },
  ], [t]));
}

interface FiltersProps {
  filter: WorklistFilter;
  onChange: (filter: WorklistFilter) => void;
  children: React.ReactNode;
}

function Filters({ filter, onChange, children }: FiltersProps) {
  const { t } = useTranslation();
  const { data: form } = useQuery(orderFormQuery);
  const rooms = useMemo(() => [...roomNames(form?.rooms ?? [])].map(([value, label]) => ({ value, label })), [form]);
  const today = wallOf(useZone()).day;
  return (
    <div className={css.filters}>
      <ActionIcon aria-label={t('action.previous')} onClick={() => onChange({ ...filter, date: shiftDay(filter.date, -1) })}><IconChevronLeft size={16} /></ActionIcon>
      <DayInput label={t('field.date')} value={filter.date} width={96} onChange={(date) => date && onChange({ ...filter, date })} />
      <ActionIcon aria-label={t('action.next')} onClick={() => onChange({ ...filter, date: shiftDay(filter.date, 1) })}><IconChevronRight size={16} /></ActionIcon>
      <Button variant="default" disabled={filter.date === today} onClick={() => onChange({ ...filter, date: today })}>{t('action.today')}</Button>
      <Select
        w={140} aria-label={t('field.modality')} placeholder={t('worklist.anyModality')} clearable data={form?.modalities ?? []}
        value={filter.modality} onChange={(modality) => onChange({ ...filter, modality })}
      />
      <Select
        w={180} aria-label={t('field.room')} placeholder={t('worklist.anyRoom')} clearable data={rooms}
        value={filter.room} onChange={(room) => onChange({ ...filter, room })}
      />
      <span className={css.space} />
      {children}
    </div>
  );
}
