import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { text } from '~/api/dicomJson';
import { hasPictures, type Series } from '~/api/dicomweb';
import { paths } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { ConnectionBar } from '~/live/ConnectionBar';
import { Empty, LoadFailed, Loading } from '~/ui/LoadState';
import { usePhone } from '~/ui/usePhone';
import { shapeOf } from './engine/frameLoader';
import { followCache, frames } from './engine/frames';
import { lineRate } from './engine/link';
import { preload, rehearse } from './engine/preload';
import { canDraw, roomFor, startEngine } from './engine/setup';
import type { StackView } from './engine/StackView';
import { giveLeftButton } from './engine/tools';
import type { DisplaySet } from './model/displaySets';
import { wayAt, type Way } from './model/transport';
import { useCommands } from './model/useCommands';
import { partText, useCells, useViewerStudies, type StripStudy } from './model/useViewerData';
import { cellCount, emptyViewer, step } from './model/viewerState';
import { CellGrid } from './parts/CellGrid';
import { HelpSheet } from './parts/HelpSheet';
import { SendSheet } from './parts/SendSheet';
import { SeriesStrip } from './parts/SeriesStrip';
import { Toolbar } from './parts/Toolbar';
import css from './ViewerPage.module.css';

// For the lists, which make ready before anybody opens a study.
export { canDraw, preload, rehearse };

/** The images of one study, with the patient's others at hand. */
export function ViewerPage() {
  const { studyUid = '' } = useParams();
  // Another study is another viewer: nothing of the last one may linger.
  return <Viewer key={studyUid} studyUid={studyUid} />;
}

function Viewer({ studyUid }: { studyUid: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  // A phone has no room beside the image; the bar brings the series back.
  const phone = usePhone();
  const [state, dispatch] = useReducer(step, { ...emptyViewer, strip: !phone });
  const { study, series, strip, unfolded, unfold } = useViewerStudies(studyUid);
  const contents = useCells(state.cells, strip);
  const drawable = useMemo(canDraw, []);

  const order = useSeriesOrder(strip);
  // The first series with pictures is shown as soon as the list of series is there.
  const first = series.data?.find(({ modality }) => hasPictures(modality)) ?? series.data?.[0];
  useEffect(() => {
    if (first && state.cells[0] === null) dispatch({ do: 'show', key: partText({ studyUid, seriesUid: first.seriesUid, part: 0 }), cell: 0 });
  }, [first, state.cells, studyUid]);

  useEffect(() => {
    if (!drawable) return undefined;
    startEngine();
    const unfollow = followCache();
    return () => {
      unfollow();
      frames.want([]);
    };
  }, [drawable]);
  useEffect(() => {
    if (drawable) giveLeftButton(state.tool);
  }, [drawable, state.tool]);

  const { views, positions, playing, onView, onMove, refresh } = useViews(state.active, state.layout, contents);
  const active = contents[state.active];
  const shown = active?.is === 'shown' ? active.set : null;
  const speeds = useRef(new Map<string, number>());
  const maySend = offers(useSession().data?.user.role, 'sendImages');
  const back = useCallback(() => void navigate(paths.search), [navigate]);
  const run = useCommands({ state, dispatch, views, shown, ...order, speeds: speeds.current, maySend, onBack: back, onMoved: refresh });

  // No name here: titles end up in the browser's history.
  useEffect(() => {
    document.title = `${t('viewer.series')} · Sen`;
  }, [t]);

  const shownKeys = [state.cells[state.active], ...state.cells.slice(0, cellCount(state.layout))].filter((key) => key != null);
  const speedOf = (cell: number): number | null => {
    const content = contents[cell];
    if (!playing(cell) || content?.is !== 'shown' || content.set.is !== 'stack') return null;
    return speeds.current.get(content.set.key) ?? content.set.framesPerSecond;
  };
  return (
    <div className={css.page}>
      <Toolbar state={state} study={study.data ?? null} modality={shown?.modality ?? ''} playing={playing(state.active)} maySend={maySend} run={run} />
      <ConnectionBar />
      <div className={css.body}>
        {state.strip && <SeriesStrip strip={strip} unfolded={unfolded} onUnfold={unfold} shown={shownKeys} onShow={(key) => dispatch({ do: 'show', key })} />}
        {!drawable ? <div className={css.middle}><Empty title={t('viewer.noGraphics')} /></div>
          : series.isLoadingError ? <div className={css.middle}><LoadFailed error={series.error} onRetry={() => void series.refetch()} /></div>
            : series.isPending ? <div className={css.middle}><Loading /></div>
              : series.data.length === 0 ? <div className={css.middle}><Empty title={t('viewer.noImages')} /></div>
                : <CellGrid state={state} dispatch={dispatch} contents={contents} positions={positions} playing={speedOf} onView={onView} onMove={onMove} />}
        {state.send && <SendSheet studyUid={studyUid} images={study.data?.instanceCount ?? null} shown={shown} instance={() => instanceAt(shown, views.current.get(state.active))} onClose={() => dispatch({ do: 'toggle', what: 'send' })} />}
        {state.help && <HelpSheet modality={shown?.modality ?? ''} onClose={() => dispatch({ do: 'toggle', what: 'help' })} />}
      </div>
    </div>
  );
}

/** SOP Instance UID of what is looked at. */
function instanceAt(shown: DisplaySet | null, view: StackView | undefined): string | null {
  const set = shown?.is === 'stack' ? shown.sets[view?.index ?? 0] : shown?.set;
  return set ? text(set, '00080018') : null;
}

/** The keys of all series of the strip, and of those with pictures, which fill empty cells. */
function useSeriesOrder(strip: readonly StripStudy[]): { order: readonly string[]; pictures: readonly string[] } {
  return useMemo(() => {
    const all = strip.flatMap(({ series }) => series ?? []);
    const keys = (series: readonly Series[]): string[] => series.map(({ studyUid, seriesUid }) => partText({ studyUid, seriesUid, part: 0 }));
    return { order: keys(all), pictures: keys(all.filter(({ modality }) => hasPictures(modality))) };
  }, [strip]);
}

/** The views of the cells, where each stack was left, and what is therefore loaded first. */
function useViews(active: number, layout: string, contents: ReturnType<typeof useCells>) {
  const views = useRef(new Map<number, StackView>());
  const positions = useRef(new Map<string, number>());
  const [, redraw] = useState(0);
  const refresh = useCallback(() => redraw((n) => n + 1), []);

  const wanted = useRef<() => void>(() => undefined);
  useEffect(() => {
    wanted.current = () => {
      const order = [active, ...contents.keys()].filter((cell, at, all) => all.indexOf(cell) === at && views.current.has(cell));
      const stacks = order.filter((cell) => contents[cell]?.is === 'shown').length;
      frames.want(order.flatMap((cell) => {
        const content = contents[cell];
        // Before its view has it, the loader does not know what its images are.
        if (content?.is !== 'shown' || content.set.is !== 'stack' || views.current.get(cell)?.stack !== content.set) return [];
        // Until the first image of a stack stands, nothing else competes with it.
        const index = positions.current.get(content.set.key);
        if (index === undefined) return [];
        const { imageIds, multiFrame, seriesFrames } = content.set;
        const shape = shapeOf(imageIds[0] ?? '');
        // Some frames of one object can be had in one request, of several objects only all.
        const way = (): Way => ({ ...wayAt(lineRate(), shape), ...(multiFrame ? { coarseFirst: false, whole: false } : { batch: 1 }) });
        return [{ imageIds, index, most: roomFor(imageIds, stacks), seriesFrames, way }];
      }));
    };
    wanted.current();
  }, [active, layout, contents]);

  const onView = useCallback((cell: number, view: StackView | null) => {
    if (view) views.current.set(cell, view);
    else views.current.delete(cell);
    refresh();
  }, [refresh]);
  const onMove = useCallback(() => wanted.current(), []);
  const playing = (cell: number): boolean => views.current.get(cell)?.film.isRunning ?? false;
  return { views, positions: positions.current, playing, onView, onMove, refresh };
}
