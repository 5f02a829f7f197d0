/** Runs through the images of a stack at a speed; an image that is not there yet holds it up rather than being skipped. */
export class Film {
  /** Goes to the next image; resolves when it is on the screen. */
  private readonly advance: () => Promise<void>;
  /** The run under way: one that waits for its image sees by it whether another has begun meanwhile. */
  private run: { next: ReturnType<typeof setTimeout> } | null = null;
  private moving = false;

  constructor(advance: () => Promise<void>) {
    this.advance = advance;
  }

  get isRunning(): boolean {
    return this.run !== null;
  }

  /** Runs from now on at this speed. */
  play(framesPerSecond: number): void {
    this.stop();
    const beatMs = 1000 / framesPerSecond;
    const after = (ms: number): ReturnType<typeof setTimeout> => setTimeout(() => void beat(), ms);
    const run = { next: after(beatMs) };
    const beat = async (): Promise<void> => {
      const began = performance.now();
      await this.move();
      if (this.run === run) run.next = after(Math.max(0, beatMs - (performance.now() - began)));
    };
    this.run = run;
  }

  stop(): void {
    if (this.run) clearTimeout(this.run.next);
    this.run = null;
  }

  /** The next image, unless one is waited for that a run before this one has asked for. */
  private async move(): Promise<void> {
    if (this.moving) return;
    this.moving = true;
    await this.advance().catch(() => undefined);
    this.moving = false;
  }
}
