import { describe, expect, it } from 'vitest';
import type { Discrepancy, Patient } from '~/api/types';
import { effectOf, otherSide } from './sides';

const patient = (name: string): Patient => ({ id: 'P1', issuer: 'A', name, birthDate: null, sex: null });
const row = (kind: Discrepancy['kind'], other: Partial<Discrepancy['other']>): Discrepancy => ({
  id: 1, kind, foundAt: '', callingAe: null, answers: [], answered: null,
  study: {
    studyUid: '1.2', recordId: 1, patient: patient('An'), studyDate: null, studyTime: null, timeZone: 'Asia/Ho_Chi_Minh', accessionNumber: null,
    description: null, modalities: [], seriesCount: 1, instanceCount: 1, facility: 'A', receivedAt: '', label: null, flags: [],
  },
  other: { recordId: null, patient: null, studyCount: 0, said: null, studyUid: null, contents: null, ...other },
});

describe('the two sides', () => {
  it('are the images and what an image of the same study says, before any record', () => {
    const both = row('twoPatients', { said: patient('Bình'), patient: patient('Chi') });
    expect(otherSide(both)).toEqual({ heading: 'inside', patient: patient('Bình') });
  });

  it('are the images and the record of their own number, or of another patient', () => {
    expect(otherSide(row('demographicsDiffer', { patient: patient('Chi') }))?.heading).toBe('record');
    expect(otherSide(row('sharedIdentifier', { patient: patient('Chi') }))?.heading).toBe('both');
    expect(otherSide(row('twoStudies', { studyUid: '1.3' }))).toBeNull();
  });

  it('say what the same person means: one record accepts, two are merged', () => {
    expect(effectOf(row('demographicsDiffer', {}), 'samePerson')).toBe('accept');
    expect(effectOf(row('sharedIdentifier', {}), 'samePerson')).toBe('merge');
    expect(effectOf(row('conflict', {}), 'serveNewest')).toBe('serveNewest');
    expect(effectOf(row('twoPatients', {}), 'part')).toBe('part');
    expect(effectOf(row('demographicsDiffer', {}), 'part')).toBe('partPerson');
  });
});
