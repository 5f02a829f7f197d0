/** One cell's images: a cornerstone stack viewport with the acts of the viewer. */
import { cache, Enums, utilities, type StackViewport, type Types } from '@cornerstonejs/core';
import type { ImageStack } from '../model/displaySets';
import { namingOf } from '../model/displaySets';
import { edgesOf, type Direction, type Edges } from '../model/orientation';
import { rangeOf, type PresetWindow, type Range } from '../model/presets';
import { Film } from './Film';
import { isCoarse } from './frameLoader';
import { forgetOthers, registerStack } from './register';
import { currentEngine, startEngine } from './setup';
import { invalidateMarks, StackMarks } from './StackMarks';
import { joinTools, leaveTools } from './tools';

/** What stands over the image right now. */
export interface Readout {
  /** The image asked for. */
  index: number;
  /** The image on the screen: another one while the asked one is on its way. */
  shown: number;
  count: number;
  windowWidth: number | null;
  windowCentre: number | null;
  zoomPercent: number;
  rotation: number;
  flipped: boolean;
  inverted: boolean;
  edges: Edges;
  thicknessMm: number | null;
}

/** What came of showing a stack: its first image stands, cannot be had, or another stack (or none) is to be shown by now. */
export type Shown = 'shown' | 'failed' | 'overtaken';

/** The element with its viewport, reachable from the browser's console and from tests. */
export type ViewportElement = HTMLDivElement & { viewport?: StackViewport };

/** The event on the element after an act of a `StackView`. */
export const viewChanged = 'sen-view-changed';

/** Draws stacks into one element until it is closed. */
export class StackView {
  readonly id: string;
  /** The images one after another. */
  readonly film = new Film(() => this.next());
  /** What is shown, or on its way. */
  stack: ImageStack | null = null;
  private readonly element: ViewportElement;
  private readonly engineId: string;
  /** The image of which a coarse picture is on the screen; the element says so too (`data-coarse`), before it is drawn. */
  private coarse: string | null = null;
  /** Counts what was to be shown; closing is the last. */
  private showing = 0;
  /** Whether an image of the stack has been on the screen; until then what the viewport says is of the stack before. */
  private stands = false;
  /** What the reader had set when more images joined the stack; set again when one of them stands. */
  private kept: Settings | null = null;
  private readonly marks: StackMarks;
  private readonly sizes: ResizeObserver;

  constructor(id: string, element: ViewportElement) {
    const engine = startEngine();
    this.id = id;
    this.element = element;
    this.marks = new StackMarks(element);
    this.engineId = engine.id;
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element, defaultOptions: { background: [0, 0, 0] } });
    joinTools(id, engine.id);
    element.viewport = this.viewport;
    open.add(this);
    element.addEventListener(Enums.Events.STACK_NEW_IMAGE, this.onImage);
    this.sizes = new ResizeObserver(resizeSoon);
    this.sizes.observe(element);
  }

  /** Lets go of the element. */
  close(): void {
    this.showing += 1;
    this.film.stop();
    this.sizes.disconnect();
    this.element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, this.onImage);
    open.delete(this);
    delete this.element.viewport;
    leaveTools(this.id, this.engineId);
    startEngine().disableElement(this.id);
    forgetLeft();
  }

  /** Shows a stack from one of its images on. */
  async show(stack: ImageStack, index: number): Promise<Shown> {
    this.showing += 1;
    const { viewport, showing } = this;
    this.film.stop();
    this.setCoarse(null);
    if (this.stack?.key !== stack.key) this.kept = null;
    else if (this.stands) this.kept = settingsOf(viewport);
    this.stands = false;
    this.stack = stack;
    registerStack(stack);
    forgetLeft();
    await viewport.setStack(stack.imageIds, index).catch(() => undefined);
    if (showing !== this.showing) return 'overtaken';
    this.redraw();
    const imageId = stack.imageIds[index] ?? '';
    const image = viewport.getCornerstoneImage();
    return cache.isLoaded(imageId) || (image?.imageId === imageId && !isCoarse(image)) ? 'shown' : 'failed';
  }

  /** Goes to an image, clamped to the stack. */
  async go(index: number): Promise<void> {
    const last = this.viewport.getImageIds().length - 1;
    const to = Math.min(last, Math.max(0, index));
    if (to >= 0 && to !== this.index) await this.viewport.setImageIdIndex(to);
  }

  /** After the last image comes the first. */
  private async next(): Promise<void> {
    const count = this.viewport.getImageIds().length;
    if (count > 1) await this.viewport.setImageIdIndex((this.viewport.getCurrentImageIdIndex() + 1) % count);
  }

  /** Puts the asked image on the screen when it has come after all: cornerstone asks for an image only once. */
  catchUp(): void {
    const image = cache.getImage(this.viewport.getCurrentImageId());
    if (!image) return;
    this.setCoarse(null);
    this.viewport.renderImageObject(image);
    this.stand();
    this.redraw();
  }

  /** The shown image's place in the stack. */
  get index(): number {
    return this.viewport.getTargetImageIdIndex();
  }

  /** True until the reader has zoomed or moved the image. */
  get isFitted(): boolean {
    const [x, y] = this.viewport.getPan();
    return Math.abs(this.viewport.getZoom() - 1) < 0.01 && Math.hypot(x, y) < 1;
  }

  /** Sets the window. */
  setWindow(window: PresetWindow): void {
    const image = this.viewport.getCornerstoneImage();
    if (!image) return;
    const full = { lower: image.minPixelValue, upper: image.maxPixelValue };
    this.viewport.setProperties({ voiRange: rangeOf(window, sentRange(image) ?? full, full) });
    this.redraw();
  }

  /** Swaps black and white. */
  invert(): void {
    this.viewport.setProperties({ invert: !(this.viewport.getProperties().invert ?? false) });
    this.redraw();
  }

  /** Mirrors the image. */
  flip(axis: 'horizontal' | 'vertical'): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    this.viewport.setCamera(axis === 'horizontal' ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical });
    this.redraw();
  }

  /** Turns the image by quarter turns. */
  rotate(degrees: 90 | -90): void {
    const { rotation = 0 } = this.viewport.getViewPresentation();
    this.viewport.setViewPresentation({ ...this.viewport.getViewPresentation(), rotation: (rotation + degrees + 360) % 360 });
    this.redraw();
  }

  /** The whole image in the cell; turns and flips stay. */
  fit(): void {
    const { rotation = 0, flipHorizontal = false, flipVertical = false } = this.viewport.getViewPresentation();
    this.viewport.resetCamera();
    this.viewport.setViewPresentation({ ...this.viewport.getViewPresentation(), rotation, flipHorizontal, flipVertical });
    this.redraw();
  }

  /** One image pixel on one pixel of the screen. */
  actualSize(): void {
    const { imageData, dimensions } = this.viewport.getImageData() ?? {};
    if (!imageData || !dimensions) return;
    const [columns] = dimensions;
    const atColumn = (column: number): Types.Point2 => this.viewport.worldToCanvas(utilities.transformIndexToWorld(imageData, [column, 0, 0]) as Types.Point3);
    const [left, right] = [atColumn(0), atColumn(columns)];
    const shown = Math.hypot(right[0] - left[0], right[1] - left[1]) * window.devicePixelRatio;
    if (shown > 0) this.zoomTo(this.viewport.getZoom() * (columns / shown));
  }

  /** Nearer or farther by a factor. */
  zoomBy(factor: number): void {
    this.zoomTo(this.viewport.getZoom() * factor);
  }

  /** Everything as it first stood. */
  reset(): void {
    this.viewport.setViewPresentation({ ...this.viewport.getViewPresentation(), rotation: 0, flipHorizontal: false, flipVertical: false });
    this.viewport.resetProperties();
    this.viewport.resetCamera();
    this.redraw();
  }

  /** Removes the chosen measurements of this stack, or all of them; `restoreMarks` brings them back. */
  removeMarks(which: 'chosen' | 'all'): void {
    this.marks.remove(this.viewport.getImageIds(), which);
    this.redraw();
  }

  /** Brings back what was removed last. */
  restoreMarks(): void {
    this.marks.restore();
    this.redraw();
  }

  /** Drops a measurement that is being drawn or moved; false when there is none. */
  cancelMark(): boolean {
    const cancelled = this.marks.cancel();
    if (cancelled) this.redraw();
    return cancelled;
  }

  /** What stands over the image; null while there is none. */
  readout(): Readout | null {
    const { viewport, stack } = this;
    if (!stack || viewport.getImageIds().length === 0) return null;
    const index = viewport.getTargetImageIdIndex();
    const { voiRange, invert = false } = viewport.getProperties();
    const { flipHorizontal = false, flipVertical = false } = viewport.getCamera();
    const window = voiRange ? utilities.windowLevel.toWindowLevel(voiRange.lower, voiRange.upper) : null;
    const set = stack.sets[index] ?? {};
    const thickness = Number(set['00180050']?.Value?.[0] ?? Number.NaN);
    return {
      index,
      shown: Math.max(0, viewport.getImageIds().indexOf(viewport.getCornerstoneImage()?.imageId ?? '')),
      count: stack.imageIds.length,
      windowWidth: window ? Math.round(window.windowWidth) : null,
      windowCentre: window ? Math.round(window.windowCenter) : null,
      zoomPercent: Math.round(viewport.getZoom() * 100),
      rotation: Math.round(viewport.getViewPresentation().rotation ?? 0),
      flipped: flipHorizontal || flipVertical,
      // MONOCHROME1 is drawn inverted to look right: only what the reader did is said.
      inverted: invert !== (set['00280004']?.Value?.[0] === 'MONOCHROME1'),
      edges: edgesOf(this.direction(1, 0), this.direction(0, -1), namingOf(set)),
      thicknessMm: Number.isFinite(thickness) ? thickness : null,
    };
  }

  /** Draws, and tells those who show texts over the image: cornerstone itself does not tell of every change. */
  private redraw(): void {
    this.viewport.render();
    this.element.dispatchEvent(new Event(viewChanged));
  }

  /** Values that were taken while an image was coarse are taken anew from the whole. */
  private readonly onImage = (event: Event): void => {
    const { image } = (event as CustomEvent<{ image: Types.IImage }>).detail;
    this.stand();
    const wasCoarse = this.coarse === image.imageId;
    this.setCoarse(isCoarse(image) ? image.imageId : null);
    if (wasCoarse && this.coarse === null) invalidateMarks(image.imageId);
  };

  /** An image of the stack is on the screen. */
  private stand(): void {
    const { kept, viewport } = this;
    this.stands = true;
    this.kept = null;
    if (!kept) return;
    viewport.setProperties(kept.properties);
    viewport.setViewPresentation(kept.presentation);
  }

  private setCoarse(imageId: string | null): void {
    this.coarse = imageId;
    this.element.toggleAttribute('data-coarse', imageId !== null);
  }

  private zoomTo(zoom: number): void {
    this.viewport.setZoom(Math.min(40, Math.max(0.05, zoom)));
    this.redraw();
  }

  /** Where a direction of the screen points in the patient. */
  private direction(x: number, y: number): Direction {
    const from = this.viewport.canvasToWorld([0, 0]);
    const to = this.viewport.canvasToWorld([x * 100, y * 100]);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1], to[2] - from[2]) || 1;
    return [(to[0] - from[0]) / length, (to[1] - from[1]) / length, (to[2] - from[2]) / length];
  }

  private get viewport(): StackViewport {
    return startEngine().getViewport(this.id) as StackViewport;
  }
}

interface Settings {
  presentation: Types.ViewPresentation;
  properties: Types.StackViewportProperties;
}

/** What a reader can have set. */
function settingsOf(viewport: StackViewport): Settings {
  const { voiRange, invert = false } = viewport.getProperties();
  return { presentation: viewport.getViewPresentation(), properties: { ...(voiRange && { voiRange }), invert } };
}

const open = new Set<StackView>();

/** The loader need not know of images that are in no cell. */
function forgetLeft(): void {
  forgetOthers([...open].flatMap(({ stack }) => stack ?? []));
}

let resizing = 0;

/** Cells change their sizes together: one resize of the engine serves them all. What was fitted is fitted again. */
function resizeSoon(): void {
  resizing ||= requestAnimationFrame(() => {
    resizing = 0;
    const fitted = [...open].filter((view) => view.isFitted);
    currentEngine()?.resize(true, true);
    for (const view of fitted) view.fit();
  });
}

/** The window an image was sent with. */
function sentRange(image: Types.IImage): Range | null {
  const first = (value: number | number[] | undefined): number | undefined => (Array.isArray(value) ? value[0] : value);
  const width = first(image.windowWidth);
  const centre = first(image.windowCenter);
  if (width === undefined || centre === undefined || !(width > 0)) return null;
  return utilities.windowLevel.toLowHighRange(width, centre);
}
