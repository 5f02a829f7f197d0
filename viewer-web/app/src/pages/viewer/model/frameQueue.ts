/** Loads the images of the shown stacks: nearest to what is looked at first, a bounded number at a time, counting what failed. */
import { isWorthWhole, type Way } from './transport';

/** Where one image stands; `coarse` is one whose first bytes are here, enough for a coarse picture. */
export type FrameState = 'waiting' | 'loading' | 'coarse' | 'loaded' | 'failed';

/** A stack that is shown, which of its images, and how many of them may be held at once. */
export interface Wanted {
  imageIds: readonly string[];
  index: number;
  most: number;
  /** How many frames come with an answer for its whole series. */
  seriesFrames: number;
  /** How its images are to be fetched now. */
  way: () => Way;
}

/** What the queue orders. */
export interface Loads {
  /** Fetches these images, in one request where there are several; a promise for each, which resolves when it is in the cache. */
  full: (imageIds: readonly string[], signal: AbortSignal) => readonly Promise<unknown>[];
  /**
   * Fetches these images of one series in one answer for all of it, in the order of that answer; `onImage` is told of each.
   * Resolves at the answer's end, whether or not all have come.
   */
  whole: (imageIds: readonly string[], signal: AbortSignal, onImage: (imageId: string, state: 'loaded' | 'failed') => void) => Promise<void>;
  /** Fetches what a coarse picture of the image takes; false when it has none. */
  coarse: (imageId: string, signal: AbortSignal) => Promise<boolean>;
  /** Forgets what `coarse` fetched, but for these images. */
  keepOnly: (imageIds: ReadonlySet<string>) => void;
}

interface Flight {
  imageIds: readonly string[];
  abort: AbortController;
  /** How many requests it counts for. */
  weight: number;
}

/** The loader of the page. */
export class FrameQueue {
  private readonly states = new Map<string, FrameState>();
  /** Images without a coarse picture. */
  private readonly plain = new Set<string>();
  private readonly flights = new Set<Flight>();
  private wanted: readonly Wanted[] = [];
  /** So far around a stack's shown image nothing is due: else every image would be looked at for each that comes. */
  private passed = new WeakMap<Wanted, number>();
  /** Shown stacks of which it is decided whether they come whole: once, and what does not come so comes alone. */
  private decided = new WeakSet<readonly string[]>();
  private readonly loads: Loads;
  private readonly onChange: () => void;

  constructor(loads: Loads, onChange: () => void) {
    this.loads = loads;
    this.onChange = onChange;
  }

  /** Says what is shown now; the first stack is the one worked in. Requests for stacks that are no longer shown are given up. */
  want(wanted: readonly Wanted[]): void {
    const before = this.wanted;
    this.wanted = wanted;
    const left = before.filter(({ imageIds }) => !wanted.some((now) => now.imageIds === imageIds));
    for (const { imageIds } of left) this.decided.delete(imageIds);
    if (left.length > 0) this.giveUp();
    this.pump();
  }

  /** The state of one image. */
  stateOf(imageId: string): FrameState {
    return this.states.get(imageId) ?? 'waiting';
  }

  /** An image came or failed by another way (the viewport asks for what it shows by itself). */
  note(imageId: string, state: 'loaded' | 'failed'): void {
    if (this.states.get(imageId) === state) return;
    this.states.set(imageId, state);
    this.onChange();
  }

  /** An image left the cache to make room. */
  forget(imageId: string): void {
    this.release(imageId);
    this.onChange();
  }

  /** How many of these images are there, and how many failed. */
  count(imageIds: readonly string[]): { loaded: number; failed: number } {
    const counts = { loaded: 0, failed: 0 };
    for (const imageId of imageIds) {
      const state = this.states.get(imageId);
      if (state === 'loaded' || state === 'failed') counts[state] += 1;
    }
    return counts;
  }

  /** Tries the failed ones of these images again. */
  retry(imageIds: readonly string[]): void {
    for (const imageId of imageIds) if (this.states.get(imageId) === 'failed') this.release(imageId);
    this.onChange();
    this.pump();
  }

  private giveUp(): void {
    const shown = new Set(this.wanted.flatMap(({ imageIds }) => imageIds));
    for (const flight of this.flights) if (!flight.imageIds.some((imageId) => shown.has(imageId))) flight.abort.abort();
    for (const [imageId, state] of this.states) if (state === 'coarse' && !shown.has(imageId)) this.release(imageId);
    for (const imageId of this.plain) if (!shown.has(imageId)) this.plain.delete(imageId);
    // In whatever state: one may have come while its image was loading, or failed.
    this.loads.keepOnly(shown);
  }

  /** It is due again. */
  private release(imageId: string): void {
    this.states.delete(imageId);
    this.passed = new WeakMap();
  }

  private pump(): void {
    const ways = new Map(this.wanted.map((stack) => [stack, stack.way()]));
    const [first] = ways.values();
    const parallel = first?.parallel ?? 0;
    const coarseFirst = new Set(this.wanted.filter((stack) => ways.get(stack)?.coarseFirst));
    const busy = (): number => [...this.flights].reduce((sum, { weight }) => sum + weight, 0);
    for (let under = busy(); under < parallel; under = busy()) {
      const coarse = coarseFirst.size > 0 ? this.nearest((stack, imageId) => coarseFirst.has(stack) && !this.plain.has(imageId) && !this.states.has(imageId)) : null;
      if (coarse) {
        void this.fetchCoarse(coarse.imageId);
        continue;
      }
      const full = this.nearest((_, imageId) => this.isDue(imageId), this.passed);
      if (!full) return;
      const way = ways.get(full.stack);
      // Two large answers at a time keep the line busy from one to the next.
      const half = Math.ceil(parallel / 2);
      const rest = way?.whole && full.at !== full.stack.index ? this.restOf(full.stack) : null;
      if (rest) {
        void this.fetchWhole(rest, half);
        continue;
      }
      const batch = this.batchFrom(full, way?.batch ?? 1);
      void this.fetchFull(batch, batch.length > 1 ? half : 1);
    }
  }

  private isDue(imageId: string): boolean {
    const state = this.states.get(imageId);
    return state === undefined || state === 'coarse';
  }

  private async fetchCoarse(imageId: string): Promise<void> {
    await this.fly([imageId], 1, async (signal) => {
      if (!(await this.loads.coarse(imageId, signal))) this.plain.add(imageId);
      // The viewport may have asked for the whole meanwhile.
      this.settle(imageId, this.plain.has(imageId) ? null : 'coarse');
    });
  }

  private async fetchFull(imageIds: readonly string[], weight: number): Promise<void> {
    await this.fly(imageIds, weight, async (signal) => {
      const loading = this.loads.full(imageIds, signal);
      await Promise.all(loading.map((one, at) => one.then(
        () => this.settle(imageIds[at] ?? '', 'loaded'),
        () => this.settle(imageIds[at] ?? '', signal.aborted ? null : 'failed'),
      )));
    });
  }

  private async fetchWhole(imageIds: readonly string[], weight: number): Promise<void> {
    await this.fly(imageIds, weight, async (signal) => {
      await this.loads.whole(imageIds, signal, (imageId, state) => this.settle(imageId, state)).catch(() => undefined);
      // Where the answer broke off, the rest are due again, each alone.
      for (const imageId of imageIds) this.settle(imageId, null);
    });
  }

  private async fly(imageIds: readonly string[], weight: number, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const flight = { imageIds, weight, abort: new AbortController() };
    this.flights.add(flight);
    for (const imageId of imageIds) this.states.set(imageId, 'loading');
    try {
      await act(flight.abort.signal);
    } catch {
      for (const imageId of imageIds) this.settle(imageId, flight.abort.signal.aborted ? null : 'failed');
    } finally {
      this.flights.delete(flight);
      this.pump();
    }
  }

  /** What came of a flight. An image that came by another way has come. */
  private settle(imageId: string, state: FrameState | null): void {
    if (this.states.get(imageId) === 'loading') {
      if (state !== 'loaded' && state !== 'failed') this.release(imageId);
      if (state !== null) this.states.set(imageId, state);
    }
    this.onChange();
  }

  /** The image that is meant nearest to a shown one; ahead before behind, the first stack before the others at equal distance. */
  private nearest(meant: (stack: Wanted, imageId: string) => boolean, passed?: WeakMap<Wanted, number>): { imageId: string; at: number; stack: Wanted } | null {
    let best: { imageId: string; at: number; stack: Wanted; distance: number } | null = null;
    for (const stack of this.wanted) {
      const { imageIds, index, most } = stack;
      // Beyond what can be held, each image that came would push out another that would be asked for again, for ever.
      const held = imageIds.length <= most ? imageIds.length : Math.max(1, Math.floor(most / 2));
      const reach: number = Math.min(held, best ? best.distance : held);
      const isMeant = (place: number): boolean => {
        const imageId = imageIds[place];
        return imageId !== undefined && meant(stack, imageId);
      };
      let distance = passed?.get(stack) ?? 0;
      for (; distance < reach; distance += 1) {
        const at = isMeant(index + distance) ? index + distance : index - distance;
        const imageId = imageIds[at];
        if (imageId === undefined || !isMeant(at)) continue;
        best = { imageId, at, stack, distance };
        break;
      }
      passed?.set(stack, distance);
    }
    return best;
  }

  /** What is due of a stack, when that is to come in one answer for the series. */
  private restOf({ imageIds, most, seriesFrames }: Wanted): string[] | null {
    if (imageIds.length > most || this.decided.has(imageIds)) return null;
    this.decided.add(imageIds);
    const due = imageIds.filter((imageId) => this.isDue(imageId));
    return isWorthWhole(due.length, seriesFrames) ? due : null;
  }

  /** The image with those after it that are due as well, as many as are fetched in one request. */
  private batchFrom({ at, stack }: { at: number; stack: Wanted }, size: number): string[] {
    const { imageIds, index, most } = stack;
    const last = imageIds.length <= most ? imageIds.length : Math.min(imageIds.length, index + Math.max(1, Math.floor(most / 2)));
    const batch: string[] = [];
    for (const imageId of imageIds.slice(at, Math.min(last, at + size))) {
      if (batch.length > 0 && !this.isDue(imageId)) break;
      batch.push(imageId);
    }
    return batch;
  }
}
