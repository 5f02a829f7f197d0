import { describe, expect, it } from 'vitest';
import { check, emptyDraft, isBegun, orderOf, serverErrors, withCard, withKnown, withNew, type Draft } from './draft';

const procedure = { code: 'CT01', name: 'CT sọ não', modality: 'CT' };
const draft: Draft = {
  ...emptyDraft('2026-11-23', '0830', null), name: 'NGUYỄN VĂN A', birthDate: '1978-08-05', sex: 'M', procedure,
};

describe('an order', () => {
  it('is complete with patient, procedure and time', () => {
    expect(check(draft, '2026-11-23')).toEqual({});
    expect(orderOf(draft)).toEqual({
      patient: { name: 'NGUYỄN VĂN A', birthDate: '1978-08-05', sex: 'M' }, procedure, station: {}, scheduledAt: '2026-11-23T08:30:00',
    });
  });
  it.each<[Partial<Draft>, object]>([
    [{ name: ' ' }, { name: 'required' }],
    [{ birthDate: '2026-11-24' }, { birthDate: 'future' }],
    [{ nationalId: '123' }, { nationalId: 'nationalId' }],
    [{ insuranceId: 'GD-1' }, { insuranceId: 'insuranceId' }],
    [{ procedure: { code: '', name: 'Chụp lạ', modality: '' } }, { procedure: 'required' }],
    [{ procedure: null }, { procedure: 'required' }],
    [{ time: '25:00' }, { scheduledAt: 'time' }],
    [{ sex: null, birthDate: null }, { sex: 'required', birthDate: 'required' }],
  ])('with %o names the field', (change, errors) => expect(check({ ...draft, ...change }, '2026-11-23')).toEqual(errors));
  it('is never held up by details in an emergency', () => {
    expect(check({ ...draft, name: '', sex: null, birthDate: null, emergency: true }, '2026-11-23')).toEqual({});
  });
  it('names a patient on record by number and issuer, and the place chosen', () => {
    const known = withKnown(draft, { recordId: 1, id: 'P1', issuer: 'BVTW', name: 'TRẦN B', birthDate: null, sex: 'F', nationalId: null, insuranceId: 'HS4010012345678' });
    expect(orderOf({ ...known, place: { is: 'station', aeTitle: 'CT1' }, emergency: true })).toMatchObject({
      patient: { id: 'P1', issuer: 'BVTW', name: 'TRẦN B', sex: 'F', insuranceId: 'HS4010012345678' }, station: { aeTitle: 'CT1' }, emergency: true,
    });
  });
  it('is begun once there is something to lose', () => {
    expect(isBegun(emptyDraft('2026-11-23', '08:30', 'BVAH'))).toBe(false);
    expect(isBegun(draft)).toBe(true);
    expect(isBegun({ ...emptyDraft('2026-11-23', '08:30', 'BVAH'), reason: 'đau bụng' })).toBe(true);
  });
  it('for somebody new keeps nothing of the patient before', () => {
    const known = withKnown(draft, { recordId: 1, id: 'P1', issuer: 'BVTW', name: 'TRẦN B', birthDate: '1990-01-02', sex: 'F', nationalId: '001090012345', insuranceId: 'HS4010012345678' });
    expect(withNew(known, 'lê c')).toEqual({ ...emptyDraft('2026-11-23', '0830', null), name: 'LÊ C', procedure });
  });
  it('takes a card', () => {
    expect(withCard(draft, { name: 'Lê C', birthDate: '1990-01-02', sex: 'F', nationalId: '001090012345', insuranceId: null })).toMatchObject({
      name: 'LÊ C', birthDate: '1990-01-02', sex: 'F', nationalId: '001090012345', fromCard: true, known: null,
    });
  });
  it('understands the field names of the server', () => {
    expect(serverErrors({ 'patient.name': 'required', 'station.aeTitle': 'unknown', reason: 'strange' }, ['required', 'unknown'])).toEqual({
      name: 'required', station: 'unknown', reason: 'invalid',
    });
  });
});
