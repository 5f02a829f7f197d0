import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { orderFormQuery } from '~/api/queries';
import type { Exam } from '~/api/types';

/** Where an exam is made: the room's name in its facility, else the device's. */
export function usePlaceOf(): (exam: Exam) => string {
  const { data: form } = useQuery(orderFormQuery);
  return useCallback((exam: Exam) => {
    const room = form?.rooms.find(({ code, facility }) => code === exam.room && facility === exam.facility);
    return room?.name ?? exam.room ?? exam.stationAe ?? '';
  }, [form]);
}
