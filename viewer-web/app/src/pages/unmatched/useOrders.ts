import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { server } from '~/api/server';
import type { Exam, Unmatched } from '~/api/types';

const none: readonly Exam[] = [];
const fewest = 2;

/** The orders beside a study: those that come near by themselves, or, once somebody types, any other. */
export function useOrders(row: Unmatched | null) {
  const [typed, setTyped] = useState('');
  const [rested] = useDebouncedValue(typed.trim(), 150);
  const isSearch = typed.trim().length >= fewest;
  const { data, error, isError, refetch } = useQuery({ queryKey: ['orders', rested], queryFn: ({ signal }) => server.exams(rested, signal), enabled: rested.length >= fewest, staleTime: 5000 });
  // What was found for other text is no answer to this one, even to a key that comes before its own.
  const isRested = rested === typed.trim();
  const found = isRested ? data?.items : undefined;
  return {
    typed, setTyped, isSearch,
    exams: (isSearch ? found : row?.candidates) ?? none,
    isPending: isSearch && !found && !(isRested && isError),
    error: isSearch && isRested && !found ? error : null,
    retry: () => void refetch(),
  };
}

/** What `useOrders` gives. */
export type Orders = ReturnType<typeof useOrders>;
