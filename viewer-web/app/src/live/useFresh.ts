import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { isRefused } from '~/api/http';
import type { Change } from '~/api/types';
import { useChanges } from './changes';
import { inTime, lookMs } from './inTime';
import { useLooks } from './useLooks';

interface Live<Shown, Answer> {
  /** Of the query that holds the list; another one is another list. */
  key: QueryKey;
  /** What may change the list. */
  events: readonly Change['kind'][];
  ask: (signal: AbortSignal) => Promise<Answer>;
  /** What is shown after an answer, and how much of that is not. */
  lay: (shown: Shown, answer: Answer) => { shown: Shown; fresh: number };
}

/** Looks anew at a list whenever something has happened, and says how much has come that it does not show. */
export function useFresh<Shown, Answer>({ key, events, ask, lay }: Live<Shown, Answer>) {
  const client = useQueryClient();
  const name = JSON.stringify(key);
  const [fresh, setFresh] = useState({ name, rows: 0 });
  if (fresh.name !== name) setFresh({ name, rows: 0 });
  /** An answer may come when another list is shown, of which it says nothing. */
  const count = (rows: number): void => setFresh((shown) => (shown.name === name ? { name, rows } : shown));
  const look = useLooks(name, async () => {
    const query = client.getQueryCache().find({ queryKey: key });
    if (!query) return false;
    const isAsked = (): boolean => query.state.fetchStatus === 'fetching';
    // What is on its way may be older than what has happened, and would be laid over what is found here.
    while (isAsked()) await query.fetch().catch(() => undefined);
    if (query.state.data === undefined) {
      // A refusal stands until somebody asks again: asked at every event, it could not be read.
      if (!isRefused(query.state.error)) await client.refetchQueries({ queryKey: key, exact: true });
      return false;
    }
    const before = query.state.dataUpdateCount;
    const answer = await inTime(lookMs, ask);
    const shown = client.getQueryData<Shown>(key);
    // Gone, or begun anew by the next who has signed in.
    if (shown === undefined || client.getQueryCache().find({ queryKey: key }) !== query) return false;
    // Changed or asked anew meanwhile: the answer may be older than what is shown now, and may know what that does not.
    if (query.state.dataUpdateCount !== before || isAsked()) return true;
    const laid = lay(shown, answer);
    count(laid.fresh);
    client.setQueryData<Shown>(key, laid.shown);
    return false;
  });
  useChanges(events, look);
  /** `taken`: the list was asked anew, and shows all that has come. */
  return { fresh: fresh.name === name ? fresh.rows : 0, look, taken: () => count(0) };
}
