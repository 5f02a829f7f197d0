/** The first bytes of frames, enough for a coarse picture of each while the whole is far away. */
import type { Begun } from './retrieve';

/** All together, beside what cornerstone's cache holds: those of four thousand CT images. */
const mostBytes = 64 * 1024 * 1024;

/** What has come of frames, of those that are shown; bounded in bytes. */
export class Beginnings {
  private readonly held = new Map<string, Begun>();

  /** What has come of a frame. */
  of(imageId: string): Begun | null {
    return this.held.get(imageId) ?? null;
  }

  /** Whether so many bytes more may be held. A frame for which there is no room comes whole, when its turn comes. */
  hasRoom(bytes: number): boolean {
    return [...this.held.values()].reduce((sum, begun) => sum + begun.bytes.length, bytes) <= mostBytes;
  }

  /** Holds what has come of a frame. */
  hold(imageId: string, begun: Begun): void {
    this.held.set(imageId, begun);
  }

  /** Forgets a frame, which is whole. */
  drop(imageId: string): void {
    this.held.delete(imageId);
  }

  /** Forgets all but these, whatever has become of them. */
  keepOnly(imageIds: ReadonlySet<string>): void {
    for (const imageId of this.held.keys()) if (!imageIds.has(imageId)) this.held.delete(imageId);
  }
}
