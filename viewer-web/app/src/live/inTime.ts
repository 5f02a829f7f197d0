import { Problem } from '~/api/http';

/** A line may be dead without saying so: an answer that takes longer does not come. */
const longestMs = 30_000;

/** Asks, and waits for the answer no longer than that; `signal` gives the question up before. */
export async function inTime<Answer>(ask: (signal: AbortSignal) => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
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
