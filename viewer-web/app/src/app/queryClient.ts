import { QueryClient } from '@tanstack/react-query';
import { Problem } from '~/api/http';

/** Asks again when no answer came or the server was busy; anything else is an answer. */
function worthRetrying(failures: number, error: Error): boolean {
  return failures < 2 && error instanceof Problem && (error.status === 0 || error.status === 503);
}

/** The one cache of what the server said. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: worthRetrying, staleTime: 30_000, gcTime: 10 * 60_000, refetchOnWindowFocus: false },
    mutations: { retry: false },
  },
});
