import { Problem } from '~/api/http';

/** A line may be dead without saying so: the answer to a look that takes longer does not come. */
export const lookMs = 30_000;
/** The same of a question of which somebody sees that it takes so long, as a search may that nothing leads. */
export const questionMs = 120_000;

/** Asks, and waits for the answer no longer than `longestMs`; `signal` gives the question up before. */
export async function inTime<Answer>(longestMs: number, ask: (signal: AbortSignal) => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
  const end = new AbortController();
  const giveUp = (): void => end.abort(signal?.reason);
  signal?.addEventListener('abort', giveUp);
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    end.abort();
  }, longestMs);
  try {
    return await ask(end.signal);
  } catch (error) {
    throw isLate ? new Problem(0) : error;
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', giveUp);
  }
}
