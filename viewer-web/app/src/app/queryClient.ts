import { QueryClient } from '@tanstack/react-query';
import { isPassing } from '~/api/http';

function worthRetrying(failures: number, error: Error): boolean {
  return failures < 2 && isPassing(error);
}

/** The one cache of what the server said. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: worthRetrying, staleTime: 30_000, gcTime: 10 * 60_000, refetchOnWindowFocus: false },
    mutations: { retry: false },
  },
});
