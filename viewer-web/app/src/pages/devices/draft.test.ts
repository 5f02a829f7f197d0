import { describe, expect, it } from 'vitest';
import type { Device } from '~/api/types';
import { draftOf, draftOfStranger, emptyDraft, formOf } from './draft';

const device: Device = {
  aeTitle: 'CT1', host: '10.0.0.5', port: 104, facility: 'BVTW', description: 'CT', modality: 'CT', room: 'P2', characterSet: 'ISO_IR 100',
  calledAe: ['SEN', 'SEN2'], maxAssociations: 2, maxAnswers: null, requiresTls: true, certificate: 'CN=CT1', requiresUser: false,
  worklistOwn: true, worklistDays: 0, sendLimit: 4, retrieveBy: 'get', priors: true, commitment: true, performedSteps: true, availability: true, lastSeenAt: null, source: 'rows', lastFailure: null,
};

describe('the form of a device', () => {
  it('sends what it shows', () => {
    const { aeTitle: _, lastSeenAt: __, source: ___, lastFailure: ____, ...form } = device;
    expect(formOf(draftOf(device))).toEqual({ form, errors: {} });
  });

  it('says what cannot be sent', () => {
    const draft = { ...emptyDraft, port: '104', maxAnswers: 'many', worklistDays: '-1', sendLimit: '' };
    expect(formOf(draft)).toEqual({ form: null, errors: { aeTitle: 'required', host: 'required', maxAnswers: 'invalid', worklistDays: 'invalid', sendLimit: 'required' } });
  });

  it('begins with what a stranger has shown', () => {
    const lastFailure = { outgoing: false, peer: '10.0.0.9', calledAe: 'SEN', reason: { code: 'callingUnknown', values: {}, detail: '' }, at: '', times: 1 };
    expect(draftOfStranger({ aeTitle: 'NEW', lastFailure })).toMatchObject({ aeTitle: 'NEW', host: '10.0.0.9', requiresTls: false });
  });
});
