import { useEffect, useRef, useSyncExternalStore, type PointerEvent } from 'react';
import { frames, framesVersion, watchFrames } from '../engine/frames';
import css from './cells.module.css';

interface Props {
  imageIds: readonly string[];
  index: number;
  onGo: (index: number) => void;
}

const colours = { loaded: '#4a4e54', coarse: '#35393e', loading: '#2c2f33', waiting: '#1a1c1e', failed: '#d5d7da' };

/** Where in the stack one is, which images are already there, and a handle to drag. */
export function ScrollBar({ imageIds, index, onGo }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = useSyncExternalStore(watchFrames, framesVersion);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, imageIds, index);
  }, [imageIds, index, version]);
  useEffect(() => {
    const drawn = canvas.current;
    if (!drawn) return undefined;
    const observer = new ResizeObserver(() => draw(drawn, imageIds, index));
    observer.observe(drawn);
    return () => observer.disconnect();
  }, [imageIds, index]);

  const follow = (event: PointerEvent<HTMLCanvasElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    onGo(Math.min(imageIds.length - 1, Math.floor(((event.clientY - box.top) / box.height) * imageIds.length)));
  };
  return (
    <canvas
      ref={canvas} className={css.bar} role="scrollbar" aria-orientation="vertical" aria-valuemin={1} aria-valuemax={imageIds.length} aria-valuenow={index + 1}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        follow(event);
      }}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && follow(event)}
    />
  );
}

function draw(canvas: HTMLCanvasElement, imageIds: readonly string[], index: number): void {
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.height !== height || canvas.width !== width) Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d');
  if (!pen || imageIds.length === 0) return;
  pen.clearRect(0, 0, width, height);
  const inset = Math.round(width * 0.3);
  const edge = (at: number): number => Math.round((at / imageIds.length) * height);
  imageIds.forEach((imageId, at) => {
    pen.fillStyle = colours[frames.stateOf(imageId)];
    pen.fillRect(inset, edge(at), width - 2 * inset, Math.max(1, edge(at + 1) - edge(at)));
  });
  const handle = Math.max(6 * devicePixelRatio, edge(1));
  const top = Math.min(height - handle, edge(index));
  pen.fillStyle = '#6cb6c9';
  pen.fillRect(1, top, width - 2, handle);
}
