import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Problem } from '~/api/http';
import { server } from '~/api/server';
import type { Session } from '~/api/types';

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

/** Leaves the session and forgets everything that was read in it. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => server.signOut(),
    onSettled: () => {
      client.clear();
      client.setQueryData(sessionKey, null);
    },
  });
}
