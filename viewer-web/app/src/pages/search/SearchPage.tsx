import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { systemQuery } from '~/api/queries';
import type { Study } from '~/api/types';
import { viewerPath } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession, useZone } from '~/app/session';
import { prefetchStudy, warmViewer } from '~/app/viewerChunk';
import { wallOf } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { FreshBar } from '~/ui/FreshBar';
import { KeyHints } from '~/ui/KeyHints';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { FilterBar } from './FilterBar';
import { clearSearch, filterOf, setSearch, useSearchState } from './searchState';
import { StudyGrid } from './StudyGrid';
import { StudyPreview } from './StudyPreview';
import { DropArea } from './upload/DropArea';
import { UploadMenu } from './upload/UploadMenu';
import { UploadPanel } from './upload/UploadPanel';
import { useUpload } from './upload/useUpload';
import { useStudyList } from './useStudyList';
import css from './SearchPage.module.css';

/** Tra cứu ca chụp: everything one may see, found while typing, opened by Enter; files dropped anywhere are uploaded. */
export function SearchPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const box = useRef<HTMLInputElement>(null);
  const state = useSearchState();
  const { typed, modality, period, from, to } = state;
  const today = wallOf(useZone()).day;
  const filter = useMemo(() => filterOf({ typed, modality, period, from, to }, today), [typed, modality, period, from, to, today]);
  const list = useStudyList(filter);
  const upload = useUpload(list.refresh);
  const mayUpload = offers(useSession().data?.user.role, 'storeImages');
  const selected = list.studies.find((study) => study.studyUid === state.selected) ?? null;

  const select = useCallback((study: Study) => setSearch({ selected: study.studyUid }), []);
  const open = useCallback((studyUid: string) => {
    setSearch({ selected: studyUid });
    // Asked for now, answered by the time the viewer's code runs.
    void prefetchStudy(client, studyUid);
    void navigate(viewerPath(studyUid));
  }, [client, navigate]);
  useListKeys({
    rows: list.studies, rowKey: (study) => study.studyUid, selected: state.selected, onSelect: select,
    onOpen: (study) => open(study.studyUid), search: box, onClearSearch: () => setSearch({ typed: '', selected: null }), onEnter: useEntered(list, select, open),
  });
  usePageKeys(useMemo(() => [
    { title: t('keys.list'), lines: [{ caps: ['/'], what: t('keys.search') }, ...listKeyLines(t, t('search.open'))] },
  ], [t]));
  useEffect(() => {
    document.title = `${t('nav.search')} · Sen`;
  }, [t]);
  useWarmViewer();

  const { query } = list;
  const more = query.hasNextPage;
  const nearEnd = useCallback(() => {
    // Asked for while the list is asked anew, the next page would come in place of that.
    // One that failed is asked for when somebody says so, or once the list was looked at: else without end.
    if (query.hasNextPage && !query.isFetching && !query.isFetchNextPageError) void query.fetchNextPage();
  }, [query]);
  return (
    <DropArea enabled={mayUpload} onFiles={upload.add} onReading={upload.setReading}>
      <div className={css.page}>
        <FilterBar box={box}>
          <div className={css.wideOnly}>
            <KeyHints keys={[[['↑', '↓'], t('search.keys.move')], [['Enter'], t('search.keys.open')]]} />
          </div>
          <span className={css.count}>{query.data && t(more ? 'search.shownMore' : 'search.shown', { count: list.studies.length })}</span>
          {mayUpload && <div className={css.upload}><UploadMenu onFiles={upload.add} /></div>}
        </FilterBar>
        <div className={css.main}>
          <section className={`${css.list} ${query.isPlaceholderData ? css.stale : ''}`}>
            <FreshBar count={list.fresh} onShow={() => void list.refresh()} />
            {query.isPending ? <div className={css.centre}><Loading /></div>
              : query.isError && list.studies.length === 0 ? <div className={css.centre}><LoadFailed error={query.error} onRetry={() => void query.refetch()} /></div>
                : list.studies.length === 0 ? <NothingFound />
                  : (
                    <StudyGrid
                      studies={list.studies} selected={state.selected} onSelect={select} onOpen={(study) => open(study.studyUid)}
                      onNearEnd={nearEnd}
                      footer={query.isFetchingNextPage ? <Loading />
                        : query.isFetchNextPageError ? <LoadFailed error={query.error} onRetry={() => void query.fetchNextPage()} />
                          : more || list.studies.length < 30 ? null : t('search.end')}
                    />
                  )}
          </section>
          {list.studies.length > 0 && <StudyPreview study={selected} onOpen={open} onClose={() => setSearch({ selected: null })} />}
        </div>
        <UploadPanel upload={upload} />
      </div>
    </DropArea>
  );
}

/** Makes the viewer ready while nobody types: what that takes of the processor must not hold up a key. */
function useWarmViewer(): void {
  useEffect(() => {
    const warm = (): void => void warmViewer().catch(() => undefined);
    let idle = setTimeout(warm, 700);
    const wait = (): void => {
      clearTimeout(idle);
      idle = setTimeout(warm, 700);
    };
    window.addEventListener('keydown', wait);
    return () => {
      clearTimeout(idle);
      window.removeEventListener('keydown', wait);
    };
  }, []);
}

/**
 * Enter in the search box: opens the selected exam, else the only one found, else selects the first. It waits until the
 * list is the answer to what stands in the box: the exam of the words before would be another patient's.
 */
function useEntered({ query, studies }: ReturnType<typeof useStudyList>, select: (study: Study) => void, open: (studyUid: string) => void): (text: string) => void {
  const { typed, selected } = useSearchState();
  const [entered, setEntered] = useState<string | null>(null);
  // An empty list that is asked anew is the answer of some minutes ago.
  const isAnswered = entered === typed && !query.isPending && !query.isPlaceholderData && !(query.isFetching && studies.length === 0);
  useEffect(() => {
    if (entered === null || (entered === typed && !isAnswered)) return;
    setEntered(null);
    if (entered !== typed) return;
    const [first, ...others] = studies;
    const chosen = studies.find(({ studyUid }) => studyUid === selected) ?? (others.length === 0 ? first : undefined);
    if (chosen) open(chosen.studyUid);
    else if (first) select(first);
  }, [entered, typed, isAnswered, studies, selected, select, open]);
  return useCallback((text: string) => {
    if (text !== typed) setSearch({ typed: text, selected: null });
    setEntered(text);
  }, [typed]);
}

/** An empty archive says how images come in; an empty answer says how to find more. */
function NothingFound() {
  const { t } = useTranslation();
  const { typed, modality, period } = useSearchState();
  const filtered = typed.trim() !== '' || modality !== null || period !== 'any';
  const { data: system } = useQuery({ ...systemQuery, enabled: !filtered });
  if (filtered) {
    return (
      <div className={css.centre}>
        <Empty title={t('search.none')} hint={t('search.noneHint')}>
          <Button variant="default" onClick={clearSearch}>{t('search.clearFilters')}</Button>
        </Empty>
      </div>
    );
  }
  const hint = system ? t('search.emptyHint', { ae: system.aeTitle, port: system.dimsePort }) : t('search.emptyHintPlain');
  return <div className={css.centre}><Empty title={t('search.empty')} hint={hint} /></div>;
}
