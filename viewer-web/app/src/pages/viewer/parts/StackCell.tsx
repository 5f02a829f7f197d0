import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Study } from '~/api/types';
import type { ImageStack } from '../model/displaySets';
import { StackView, type ViewportElement } from '../engine/StackView';
import { frames, framesVersion, watchFrames } from '../engine/frames';
import { Overlay } from './Overlay';
import { ScrollBar } from './ScrollBar';
import { useReadout } from './useReadout';
import css from './cells.module.css';

interface Props {
  id: string;
  stack: ImageStack;
  study: Study | null;
  overlays: boolean;
  playing: number | null;
  /** Where each stack was left, kept by the page. */
  positions: Map<string, number>;
  onView: (view: StackView | null) => void;
  onMove: (index: number) => void;
}

/** A stack of images in a cell: the canvas, the texts over it, the bar beside it. */
export function StackCell({ id, stack, study, overlays, playing, positions, onView, onMove }: Props) {
  const [element, setElement] = useState<ViewportElement | null>(null);
  const [view, setView] = useState<StackView | null>(null);
  /** The stack whose first image has come. */
  const [standing, setStanding] = useState<string | null>(null);
  const announce = useRef({ onView, onMove });
  useEffect(() => {
    announce.current = { onView, onMove };
  });

  useEffect(() => {
    if (!element) return undefined;
    const opened = new StackView(id, element);
    setView(opened);
    announce.current.onView(opened);
    return () => {
      announce.current.onView(null);
      setView(null);
      opened.close();
    };
  }, [element, id]);

  useEffect(() => {
    if (!view) return;
    const first = Math.min(positions.get(stack.key) ?? 0, stack.imageIds.length - 1);
    void view.show(stack, first).then((end) => {
      if (end === 'overtaken') return;
      if (end === 'shown') performance.mark('sen:image-shown');
      // The failure is counted and shown as a failed frame; the stack can still be scrolled.
      else frames.note(stack.imageIds[first] ?? '', 'failed');
      setStanding(stack.key);
    });
  }, [view, stack, positions]);

  const readout = useReadout(view, element);
  const index = readout?.index ?? 0;
  useEffect(() => {
    if (!readout || standing !== stack.key) return;
    positions.set(stack.key, index);
    announce.current.onMove(index);
  }, [readout, index, positions, stack, standing]);

  useSyncExternalStore(watchFrames, framesVersion);
  const counts = frames.count(stack.imageIds);
  const here = frames.stateOf(stack.imageIds[index] ?? '');
  const failedHere = here === 'failed';
  const failedBefore = useRef(false);
  useEffect(() => {
    if (failedBefore.current && here === 'loaded') view?.catchUp();
    failedBefore.current = failedHere || (failedBefore.current && here !== 'loaded');
  }, [view, here, failedHere]);
  return (
    <div className={css.stack}>
      <div ref={setElement} className={css.canvas} data-cell={id} onContextMenu={(event) => event.preventDefault()} />
      {readout && (
        <Overlay stack={stack} study={study} readout={readout} counts={counts} failedHere={failedHere} shown={overlays} playing={playing} onRetry={() => frames.retry(stack.imageIds)} />
      )}
      {stack.imageIds.length > 1 && <ScrollBar imageIds={stack.imageIds} index={index} onGo={(to) => void view?.go(to).catch(() => undefined)} />}
    </div>
  );
}
