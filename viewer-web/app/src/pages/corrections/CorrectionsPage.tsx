import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import { mainModalities } from '~/api/dicomweb';
import { Problem } from '~/api/http';
import { correctableQuery, studyQuery, studyRejectionsQuery } from '~/api/queries';
import type { Study } from '~/api/types';
import { correctionsPath, paths } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
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
import { Matching } from './Matching';
import { MergeForm } from './MergeForm';
import { MoveForm } from './MoveForm';
import { RejectedSeries } from './RejectedSeries';
import { RejectForm } from './RejectForm';
import { useCorrections } from './useCorrections';
import css from './CorrectionsPage.module.css';

const allParts = ['edit', 'move', 'merge', 'reject'] as const;
type Part = (typeof allParts)[number];
const onlyReject: readonly Part[] = ['reject'];
const withoutReject = allParts.filter((part) => part !== 'reject');

/** Chỉnh sửa ca: what an exam says, where its images belong, what of it nobody is to see, and everything that was done to it. */
export function CorrectionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const studyUid = useParams()['studyUid'] ?? '';
  const role = useSession().data?.user.role;
  const mayReject = offers(role, 'rejectImages');
  const [wanted, setPart] = useState<Part>((useLocation().state as { part?: Part } | null)?.part ?? 'edit');
  const rejections = useQuery({ ...studyRejectionsQuery(studyUid), enabled: mayReject });
  const rejected = mayReject ? rejections.data : undefined;
  // Of an exam that is rejected whole nothing else can be asked for.
  const isHidden = rejected?.study.instanceCount === 0 && rejected.series.length > 0;
  const isAsked = !mayReject || (rejected ? !isHidden : rejections.isError);
  const study = useQuery({ ...studyQuery(studyUid), staleTime: 0, enabled: isAsked });
  const correctable = useQuery({ ...correctableQuery(studyUid), enabled: isAsked });
  const leave = useCallback(() => void navigate(paths.search), [navigate]);
  const acts = useCorrections(studyUid, mayReject, useCallback((to: string) => {
    setPart('edit');
    void navigate(correctionsPath(to));
  }, [navigate]));
  const parts = isHidden ? onlyReject : mayReject ? allParts : withoutReject;
  const part = parts.find((known) => known === wanted) ?? parts[0] ?? 'edit';
  usePartKeys(parts, setPart, leave);
  usePageKeys(useMemo(() => [
    { title: t('corrections.title'), lines: [{ caps: parts.map((_, at) => String(at + 1)), what: t('corrections.keys.tab') }, { caps: ['Ctrl', 'Enter'], what: t('corrections.keys.save') }, { caps: ['Ctrl', 'Z'], what: t('action.undo') }, { caps: ['Esc'], what: t('corrections.back') }] },
  ], [t, parts]));
  useEffect(() => {
    document.title = `${t('corrections.title')} · Sen`;
  }, [t]);
  const shown = isHidden ? undefined : study.data;
  const who = isHidden ? rejected.study : study.data;
  const isPending = isHidden ? false : study.isPending || correctable.isPending;
  const isFailed = !isHidden && (study.isLoadingError || correctable.isLoadingError || isGone(study.error));
  return (
    <div className={css.page}>
      {isFailed ? <LoadFailed error={study.error ?? correctable.error} onRetry={() => void Promise.all([study.refetch(), correctable.refetch()])} />
        : isPending || !who ? <Loading />
          : (
            <div className={css.main}>
              <section className={css.desk}>
                <Who study={who} />
                <Tabs value={part} onChange={(value) => setPart(parts.find((known) => known === value) ?? part)} keepMounted={false}>
                  <Tabs.List>
                    {parts.map((name, at) => <Tabs.Tab key={name} value={name} rightSection={<kbd>{at + 1}</kbd>}>{t(`corrections.tab.${name}`)}</Tabs.Tab>)}
                  </Tabs.List>
                  {shown && correctable.data && (
                    <>
                      <Tabs.Panel value="edit"><AttributesForm key={studyUid} study={shown} correctable={correctable.data} busy={acts.busy} failure={acts.failureOf('edit')} onSave={acts.correct} /></Tabs.Panel>
                      <Tabs.Panel value="move"><MoveForm key={studyUid} study={shown} busy={acts.busy} failure={acts.failureOf('move')} onMove={acts.move} /></Tabs.Panel>
                      <Tabs.Panel value="merge"><MergeForm key={studyUid} study={shown} busy={acts.busy} failure={acts.failureOf('merge')} onMerge={acts.merge} /></Tabs.Panel>
                    </>
                  )}
                  <Tabs.Panel value="reject">
                    {shown && <RejectForm key={`reject ${studyUid}`} study={shown} busy={acts.busy} failure={acts.failureOf('reject')} onReject={acts.reject} />}
                    {rejected ? <RejectedSeries key={`rejected ${studyUid}`} rejections={rejected} busy={acts.busy} failure={acts.failureOf('restore')} onRestore={acts.restore} /> : rejections.isError && <LoadFailed error={rejections.error} onRetry={() => void rejections.refetch()} />}
                  </Tabs.Panel>
                </Tabs>
              </section>
              <History studyUid={studyUid} busy={acts.busy} onUndo={acts.undo}>
                {shown?.label && offers(role, 'matchImages') && <Matching key={studyUid} busy={acts.busy} failure={acts.failureOf('unlink')} onPart={acts.unlink} />}
              </History>
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

function Who({ study }: { study: Study }) {
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

/** 1 to 4 choose a part, Esc leaves; while somebody types, keys are letters. */
function usePartKeys(parts: readonly Part[], choose: (part: Part) => void, leave: () => void): void {
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
  }, [parts, choose, leave]);
}
