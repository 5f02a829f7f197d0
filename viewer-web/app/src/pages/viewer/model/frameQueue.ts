/** Loads the images of the shown stacks: nearest to what is looked at first, a bounded number at a time, counting what failed. */

/** Where one image stands. */
export type FrameState = 'waiting' | 'loading' | 'loaded' | 'failed';

/** A stack that is shown, which of its images, and how many of them may be held at once. */
export interface Wanted {
  imageIds: readonly string[];
  index: number;
  most: number;
}

type Load = (imageId: string) => Promise<unknown>;

/** About twenty requests at once fill the line; more only wait in each other's way. */
const usualParallel = 20;

/** The loader of the page. `load` resolves when the image is in the cache. */
export class FrameQueue {
  private readonly states = new Map<string, FrameState>();
  private wanted: readonly Wanted[] = [];
  private inFlight = 0;
  private readonly load: Load;
  private readonly onChange: () => void;
  private readonly parallel: number;

  constructor(load: Load, onChange: () => void, parallel: number = usualParallel) {
    this.load = load;
    this.onChange = onChange;
    this.parallel = parallel;
  }

  /** Says what is shown now; the first stack is the one worked in. Requests under way are finished. */
  want(wanted: readonly Wanted[]): void {
    this.wanted = wanted;
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
    this.states.delete(imageId);
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
    for (const imageId of imageIds) if (this.states.get(imageId) === 'failed') this.states.delete(imageId);
    this.onChange();
    this.pump();
  }

  private pump(): void {
    while (this.inFlight < this.parallel) {
      const imageId = this.nearest();
      if (imageId === null) return;
      void this.fetch(imageId);
    }
  }

  private async fetch(imageId: string): Promise<void> {
    this.inFlight += 1;
    this.states.set(imageId, 'loading');
    try {
      await this.load(imageId);
      this.states.set(imageId, 'loaded');
    } catch {
      this.states.set(imageId, 'failed');
    } finally {
      this.inFlight -= 1;
      this.onChange();
      this.pump();
    }
  }

  /** The waiting image nearest to a shown one; ahead before behind, the first stack before the others at equal distance. */
  private nearest(): string | null {
    let best: { imageId: string; distance: number } | null = null;
    for (const { imageIds, index, most } of this.wanted) {
      // Beyond what can be held, each image that came would push out another that would be asked for again, for ever.
      const held = imageIds.length <= most ? imageIds.length : Math.max(1, Math.floor(most / 2));
      const reach = Math.min(held, best ? best.distance : held);
      for (let distance = 0; distance < reach; distance += 1) {
        const imageId = [imageIds[index + distance], imageIds[index - distance]].find((id) => id !== undefined && !this.states.has(id));
        if (imageId === undefined) continue;
        best = { imageId, distance };
        break;
      }
    }
    return best?.imageId ?? null;
  }
}
