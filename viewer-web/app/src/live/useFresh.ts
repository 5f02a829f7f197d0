import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Change } from '~/api/types';
import { useChanges } from './changes';

interface Live<Shown, Answer> {
  /** Of the query that holds the list; another one is another list. */
  key: QueryKey;
  /** What may change the list. */
  events: readonly Change['kind'][];
  ask: () => Promise<Answer>;
  /** What is shown after an answer, and how much of that is not. */
  lay: (shown: Shown, answer: Answer) => { shown: Shown; fresh: number };
}

interface Look {
  /** Whether there is something more to look at. */
  again: boolean;
  done: Promise<void>;
}

/** Looks anew at a list whenever something has happened, and says how much has come that it does not show. */
export function useFresh<Shown, Answer>({ key, events, ask, lay }: Live<Shown, Answer>) {
  const client = useQueryClient();
  const name = JSON.stringify(key);
  /** By the name of the list: an answer may come when another one is shown. */
  const [fresh, setFresh] = useState<Readonly<Record<string, number>>>({});
  useEffect(() => setFresh({}), [name]);
  const count = (rows: number): void => setFresh((all) => ({ ...all, [name]: rows }));
  /** Looks under way, by the name of the list. */
  const looks = useRef(new Map<string, Look>());
  const lookOnce = async (): Promise<void> => {
    const query = client.getQueryCache().find({ queryKey: key });
    if (!query) return;
    const isAsked = (): boolean => query.state.fetchStatus === 'fetching';
    // What is on its way may be older than what has happened, and would be laid over what is found here.
    while (isAsked()) await query.fetch().catch(() => undefined);
    if (query.state.data === undefined) return client.refetchQueries({ queryKey: key, exact: true });
    const before = query.state.dataUpdateCount;
    const answer = await ask();
    const shown = client.getQueryData<Shown>(key);
    if (shown === undefined) return;
    // Changed or asked anew meanwhile: the answer may be older than what is shown now, and may know what that does not.
    if (query.state.dataUpdateCount !== before || isAsked()) return void look();
    const laid = lay(shown, answer);
    count(laid.fresh);
    client.setQueryData<Shown>(key, laid.shown);
  };
  /** One at a time, or on a slow line there would be ever more: what happens meanwhile is looked at by one more. */
  const look = (): Promise<void> => {
    const under = looks.current.get(name);
    if (under) {
      under.again = true;
      return under.done;
    }
    const begun: Look = { again: false, done: Promise.resolve() };
    const all = async (): Promise<void> => {
      do {
        begun.again = false;
        await lookOnce().catch((error: unknown) => {
          if (!begun.again) throw error;
        });
      } while (begun.again);
    };
    looks.current.set(name, begun);
    begun.done = all().finally(() => looks.current.delete(name));
    return begun.done;
  };
  useChanges(events, () => void look().catch(() => undefined));
  /** `taken`: the list is asked anew, with all that has come. */
  return { fresh: fresh[name] ?? 0, look, taken: () => count(0) };
}
