import { Button, SegmentedControl, Select } from '@mantine/core';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import type { ReconciliationFilter } from '~/api/server';
import { discrepancyKinds, type Answer, type Discrepancy } from '~/api/types';
import { viewerPath } from '~/app/paths';
import { instant } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { FreshBar } from '~/ui/FreshBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { Split } from '~/ui/SidePanel';
import { UndoBar } from '~/ui/UndoBar';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { AnswerPanel } from './AnswerPanel';
import { otherSide } from './sides';
import { useAnswering } from './useAnswering';
import { rowKey, useDiscrepancies } from './useDiscrepancies';
import css from './ReconciliationPage.module.css';

/** Đối chiếu: what does not go together, both sides of it, and the answers. */
export function ReconciliationPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [filter, setFilter] = useState<ReconciliationFilter>({ state: 'open', kind: null });
  const [selected, setSelected] = useState<string | null>(null);
  const [asking, setAsking] = useState<Answer | null>(null);
  const { query, rows, fresh, refresh } = useDiscrepancies(filter);
  const answering = useAnswering(refresh);
  const columns = useColumns();
  const phone = usePhone();
  const shown = rows.find((row) => rowKey(row) === selected) ?? null;

  // Why, whether a key says it or a click; a row of its own.
  const [reason, setReason] = useState('');
  useEffect(() => setReason(''), [shown?.id]);

  const select = useCallback((row: Discrepancy) => {
    setSelected(rowKey(row));
    setAsking(null);
  }, []);
  const open = useCallback((row: Discrepancy) => void navigate(viewerPath(row.study.studyUid)), [navigate]);
  const answer = (row: Discrepancy, said: Answer, recordId: number | null): void => {
    if (answering.busy) return;
    // Whose it is has to be said first.
    if (said === 'otherPatient' && recordId === null) return setAsking(said);
    setAsking(null);
    answering.answer({ row, answer: said, recordId, reason });
  };
  const onDigit = (row: Discrepancy, digit: number): void => {
    if (row.answered) return void (digit === 1 && row.answered.answer && !answering.busy && answering.reopen(row, reason));
    const said = row.answers[digit - 1];
    if (said) answer(row, said, null);
  };
  useListKeys({ rows, rowKey, selected, onSelect: select, onOpen: open, onClearSearch: () => (asking ? setAsking(null) : setSelected(null)), onDigit });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: listKeyLines(t, t('worklist.open')) },
    { title: t('keys.acts'), lines: [{ caps: ['1', '–', '3'], what: t('reconciliation.answer.samePerson') + ', …' }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('reconciliation.title')} · Sen`;
  }, [t]);
  const isOpen = filter.state === 'open';
  return (
    <div className={ui.page}>
      <Filters filter={filter} onChange={setFilter} />
      <FreshBar count={fresh} onShow={() => void refresh()} />
      {query.isPending ? <Loading />
        : query.isError && rows.length === 0 ? <LoadFailed error={query.error} onRetry={() => void query.refetch()} />
          : rows.length === 0 ? <Empty title={t(isOpen ? 'reconciliation.empty' : 'reconciliation.emptyAnswered')} hint={t(isOpen ? 'reconciliation.emptyHint' : 'reconciliation.emptyAnsweredHint')} />
            : (
              <Split>
                <DataGrid
                  label={t('reconciliation.title')} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onSelect={select} onOpen={open}
                  narrow={phone ? (row) => <NarrowRow row={row} /> : undefined}
                  footer={query.hasNextPage && <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('reconciliation.more')}</Button>}
                />
                <AnswerPanel row={shown} busy={answering.busy} failure={shown && reason !== '' ? answering.failureOf(rowKey(shown)) : null} asking={asking} reason={reason} onReason={setReason} onAnswer={answer} onReopen={(row) => answering.reopen(row, reason)} onOpen={open} />
              </Split>
            )}
      <UndoBar done={answering.done} onClose={answering.close} />
    </div>
  );
}

function Filters({ filter, onChange }: { filter: ReconciliationFilter; onChange: (filter: ReconciliationFilter) => void }) {
  const { t } = useTranslation();
  return (
    <div className={css.filters}>
      <SegmentedControl
        data={[{ value: 'open', label: t('reconciliation.open') }, { value: 'answered', label: t('reconciliation.answeredTab') }]}
        value={filter.state} onChange={(state) => onChange({ ...filter, state: state === 'answered' ? 'answered' : 'open' })}
      />
      <Select
        w={230} aria-label={t('reconciliation.what')} placeholder={t('reconciliation.anyKind')} clearable
        data={discrepancyKinds.map((kind) => ({ value: kind, label: t(`exam.flag.${kind}`) }))}
        value={filter.kind} onChange={(kind) => onChange({ ...filter, kind: discrepancyKinds.find((known) => known === kind) ?? null })}
      />
    </div>
  );
}

/** Who or what stands on the other side, in a few words. */
function Other({ row }: { row: Discrepancy }) {
  const { t } = useTranslation();
  const other = otherSide(row);
  const text = other ? [personName(other.patient.name) || t('field.unknown'), birthYear(other.patient.birthDate), other.patient.id].filter(Boolean).join(' · ')
    : row.other.contents ? t('reconciliation.several', { count: row.other.contents.instances }) : row.other.studyUid ?? '';
  return <span className="cut" title={text}>{text}</span>;
}

function NarrowRow({ row }: { row: Discrepancy }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  const { patient } = row.study;
  return (
    <div className={ui.twoLines}>
      <div><span className={`cut ${ui.strong}`}>{personName(patient.name) || t('field.unknown')}</span><span className={css.far}>{[patient.id, short(patient)].filter(Boolean).join(' · ')}</span></div>
      <div className={css.dim}><span>{t(`exam.flag.${row.kind}`)}</span><Other row={row} /></div>
    </div>
  );
}

function useColumns(): Column<Discrepancy>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  return useMemo((): Column<Discrepancy>[] => [
    { id: 'found', title: t('reconciliation.found'), width: '110px', cell: (row) => instant(row.foundAt) },
    { id: 'what', title: t('reconciliation.what'), width: 'minmax(178px, 0.9fr)', cell: (row) => <span className="cut">{t(`exam.flag.${row.kind}`)}</span> },
    { id: 'name', title: t('field.patient'), width: 'minmax(110px, 1fr)', cell: (row) => <span className={`cut ${ui.strong}`}>{personName(row.study.patient.name) || t('field.unknown')}</span> },
    { id: 'born', title: t('field.birthYear'), width: '56px', cell: (row) => birthYear(row.study.patient.birthDate) },
    { id: 'sex', title: t('field.sex'), width: '44px', cell: (row) => sex(row.study.patient) },
    { id: 'id', title: t('field.patientId'), width: '100px', cell: (row) => <span className="cut">{row.study.patient.id}</span> },
    { id: 'other', title: t('reconciliation.otherSide'), width: 'minmax(130px, 1.3fr)', cell: (row) => <Other row={row} /> },
    { id: 'modality', title: t('field.modality'), width: '52px', cell: (row) => <span className={ui.modality}>{mainModalities(row.study.modalities)}</span> },
    { id: 'from', title: t('unmatched.from'), width: '64px', cell: (row) => <span className="cut">{row.callingAe}</span> },
  ], [t, sex]);
}
