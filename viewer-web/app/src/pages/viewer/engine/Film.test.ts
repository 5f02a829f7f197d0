import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Film } from './Film';

/** A film whose images come when the test says so. */
function slowFilm() {
  let asked = 0;
  const coming: (() => void)[] = [];
  const film = new Film(() => {
    asked += 1;
    return new Promise((resolve) => coming.push(resolve));
  });
  const come = async (): Promise<void> => {
    coming.splice(0).forEach((bring) => bring());
    await vi.advanceTimersByTimeAsync(0);
  };
  return { film, come, asked: () => asked };
}

describe('a film', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('shows as many images a second as it is told to', async () => {
    let shown = 0;
    const film = new Film(async () => void (shown += 1));
    film.play(10);
    await vi.advanceTimersByTimeAsync(1000);
    expect([shown, film.isRunning]).toEqual([10, true]);
    film.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect([shown, film.isRunning]).toEqual([10, false]);
  });
  it('waits for an image, and goes on when it could not be had', async () => {
    let asked = 0;
    const failing = new Film(async () => {
      asked += 1;
      throw new Error('not had');
    });
    failing.play(10);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toBe(5);
    failing.stop();
    const slow = slowFilm();
    slow.film.play(10);
    await vi.advanceTimersByTimeAsync(5000);
    expect(slow.asked()).toBe(1);
    await slow.come();
    await vi.advanceTimersByTimeAsync(100);
    expect(slow.asked()).toBe(2);
  });
  it('is one also when its speed changes while an image is waited for', async () => {
    const { film, come, asked } = slowFilm();
    film.play(10);
    await vi.advanceTimersByTimeAsync(100);
    film.play(5);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toBe(1);
    for (let shown = 0; shown < 30; shown += 1) {
      await come();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(asked()).toBe(1 + 15);
  });
  it('stays stopped when an image comes that was waited for', async () => {
    const { film, come, asked } = slowFilm();
    film.play(10);
    await vi.advanceTimersByTimeAsync(100);
    film.stop();
    await come();
    await vi.advanceTimersByTimeAsync(1000);
    expect([asked(), film.isRunning]).toEqual([1, false]);
  });
});
