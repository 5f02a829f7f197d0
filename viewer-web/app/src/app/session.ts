import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { Session } from '~/api/types';
import { languages, speak } from '~/i18n';
import { clearSearch } from '~/pages/search/searchState';
import { paths } from './paths';

/** The cache key of who is signed in. */
export const sessionKey = ['session'] as const;

/** Who is signed in; null when nobody is. */
export function useSession() {
  return useQuery({
    queryKey: sessionKey,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Session | null> => {
      try {
        return await server.session(signal);
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
  });
}

/** Zone of the clocks where the one who is signed in works; before anybody is, the browser's. */
export function useZone(): string {
  return useSession().data?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Begins a session in a page that remembers nothing of the one before, and in the language its person chose. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ user, password }: { user: string; password: string }) => server.signIn(user, password),
    onSuccess: (session) => {
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] });
      clearSearch();
      const language = languages.find((known) => known === session.language);
      if (language) speak(language);
      client.setQueryData(sessionKey, session);
    },
  });
}

/** Leaves the session. The page is loaded anew: nothing that was read in it, images included, stays in its memory. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => server.signOut(),
    onSuccess: () => window.location.replace(paths.signIn),
  });
}
