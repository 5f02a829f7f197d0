import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import { Problem } from '~/api/http';
import { correctableQuery, studyQuery } from '~/api/queries';
import type { StudyWithPriors } from '~/api/types';
import { correctionsPath, paths } from '~/app/paths';
import { dayAndClock } from '~/format/dates';
import { personName } from '~/format/person';
import { isText } from '~/keys/isText';
import { usePageKeys } from '~/keys/pageKeys';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { UndoBar } from '~/ui/UndoBar';
import { usePatientWords } from '~/ui/usePatientWords';
import { AttributesForm } from './AttributesForm';
import { History } from './History';
import { MergeForm } from './MergeForm';
import { MoveForm } from './MoveForm';
import { useCorrections } from './useCorrections';
import css from './CorrectionsPage.module.css';

const parts = ['edit', 'move', 'merge'] as const;
type Part = (typeof parts)[number];

/** Chỉnh sửa ca: what an exam says, where its images belong, and everything that was done to it. */
export function CorrectionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const studyUid = useParams()['studyUid'] ?? '';
  const [part, setPart] = useState<Part>('edit');
  const study = useQuery({ ...studyQuery(studyUid), staleTime: 0 });
  const correctable = useQuery(correctableQuery(studyUid));
  const leave = useCallback(() => void navigate(paths.search), [navigate]);
  const acts = useCorrections(studyUid, useCallback((to: string) => {
    setPart('edit');
    void navigate(correctionsPath(to));
  }, [navigate]));
  usePartKeys(setPart, leave);
  usePageKeys(useMemo(() => [
    { title: t('corrections.title'), lines: [{ caps: ['1', '2', '3'], what: t('corrections.keys.tab') }, { caps: ['Ctrl', 'Enter'], what: t('corrections.keys.save') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }, { caps: ['Esc'], what: t('corrections.back') }] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('corrections.title')} · Sen`;
  }, [t]);
  return (
    <div className={css.page}>
      {study.isPending || correctable.isPending ? <Loading />
        : study.isLoadingError || correctable.isLoadingError || isGone(study.error)
          ? <LoadFailed error={study.error ?? correctable.error} onRetry={() => void Promise.all([study.refetch(), correctable.refetch()])} />
          : (
            <div className={css.main}>
              <section className={css.desk}>
                <Who study={study.data} />
                <Tabs value={part} onChange={(value) => setPart(parts.find((known) => known === value) ?? 'edit')} keepMounted={false}>
                  <Tabs.List>
                    {parts.map((name, at) => <Tabs.Tab key={name} value={name} rightSection={<kbd>{at + 1}</kbd>}>{t(`corrections.tab.${name}`)}</Tabs.Tab>)}
                  </Tabs.List>
                  <Tabs.Panel value="edit"><AttributesForm key={studyUid} study={study.data} correctable={correctable.data} busy={acts.busy} failure={acts.failure} onSave={acts.correct} /></Tabs.Panel>
                  <Tabs.Panel value="move"><MoveForm key={studyUid} study={study.data} busy={acts.busy} failure={acts.failure} onMove={acts.move} /></Tabs.Panel>
                  <Tabs.Panel value="merge"><MergeForm key={studyUid} study={study.data} busy={acts.busy} failure={acts.failure} onMerge={acts.merge} /></Tabs.Panel>
                </Tabs>
              </section>
              <History studyUid={studyUid} busy={acts.busy} onUndo={acts.undo} />
            </div>
          )}
      <UndoBar done={acts.done} onClose={acts.close} />
    </div>
  );
}

/** Whether nothing of an exam is left, as after what made it was taken back. */
function isGone(error: Error | null): boolean {
  return error instanceof Problem && error.status === 404;
}

function Who({ study }: { study: StudyWithPriors }) {
  const { t } = useTranslation();
  const { short } = usePatientWords();
  return (
    <header className={css.head}>
      <div>
        <h1>{personName(study.patient.name) || t('field.unknown')}</h1>
        <p>{[study.patient.id, short(study.patient), mainModalities(study.modalities), study.description, dayAndClock(study.studyDate, study.studyTime), study.accessionNumber].filter(Boolean).join(' · ')}</p>
      </div>
      <div className={css.labels}><ExamLabel label={study.label} /><Flags flags={study.flags} /></div>
      <Link to={paths.search} className={css.back}>{t('corrections.back')} <kbd>Esc</kbd></Link>
    </header>
  );
}

/** 1 to 3 choose a part, Esc leaves; while somebody types, keys are letters. */
function usePartKeys(choose: (part: Part) => void, leave: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === 'Escape') {
        if (isText(event.target)) event.target.blur();
        else leave();
      } else {
        const part = parts[Number(event.key) - 1];
        if (isText(event.target) || event.target instanceof HTMLSelectElement || !part) return;
        choose(part);
      }
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [choose, leave]);
}
