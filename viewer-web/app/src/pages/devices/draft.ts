/** A device as it stands in the form: texts as typed. */
import type { Device, DeviceForm, Stranger } from '~/api/types';

/** What is typed. */
export interface Draft {
  aeTitle: string;
  host: string;
  port: string;
  facility: string;
  description: string;
  modality: string;
  room: string;
  characterSet: string;
  calledAe: string;
  maxAssociations: string;
  maxAnswers: string;
  requiresTls: boolean;
  certificate: string;
  requiresUser: boolean;
  worklistOwn: boolean;
  worklistDays: string;
  sendLimit: string;
  retrieveBy: DeviceForm['retrieveBy'];
  priors: boolean;
  commitment: boolean;
  performedSteps: boolean;
  availability: boolean;
}

/** Reasons by field; keys of `devices.error`. */
export type FieldErrors = Partial<Record<keyof Draft, ErrorKey>>;
/** Why a field needs another look. */
export type ErrorKey = 'required' | 'invalid' | 'tooLong';

export const emptyDraft: Draft = {
  aeTitle: '', host: '', port: '', facility: '', description: '', modality: '', room: '', characterSet: '', calledAe: '',
  maxAssociations: '', maxAnswers: '', requiresTls: false, certificate: '', requiresUser: false, worklistOwn: false, worklistDays: '',
  sendLimit: '1', retrieveBy: 'move', priors: false, commitment: false, performedSteps: false, availability: false,
};

const shown = (number: number | null): string => (number === null ? '' : String(number));

/** A device to be changed. */
export function draftOf(device: Device): Draft {
  return {
    aeTitle: device.aeTitle, host: device.host ?? '', port: shown(device.port), facility: device.facility ?? '', description: device.description,
    modality: device.modality ?? '', room: device.room ?? '', characterSet: device.characterSet ?? '', calledAe: device.calledAe.join(', '),
    maxAssociations: shown(device.maxAssociations), maxAnswers: shown(device.maxAnswers), requiresTls: device.requiresTls,
    certificate: device.certificate ?? '', requiresUser: device.requiresUser, worklistOwn: device.worklistOwn, worklistDays: shown(device.worklistDays),
    sendLimit: shown(device.sendLimit), retrieveBy: device.retrieveBy, priors: device.priors, commitment: device.commitment,
    performedSteps: device.performedSteps, availability: device.availability,
  };
}

/** Somebody who was refused, to be made a device: where it called from is where it is. */
export function draftOfStranger({ aeTitle, lastFailure }: Stranger): Draft {
  return { ...emptyDraft, aeTitle, host: lastFailure.peer, requiresTls: lastFailure.reason.code === 'plainAtTlsPort' };
}

/** What is sent, or which fields cannot be. The server checks the rest. */
export function formOf(draft: Draft): { form: DeviceForm | null; errors: FieldErrors } {
  const errors: FieldErrors = {};
  const text = (value: string): string | null => value.trim() || null;
  const number = (field: 'port' | 'maxAssociations' | 'maxAnswers' | 'worklistDays' | 'sendLimit'): number | null => {
    const typed = draft[field].trim();
    if (typed === '') return null;
    if (!/^\d{1,9}$/.test(typed)) errors[field] = 'invalid';
    return Number(typed);
  };
  if (!text(draft.aeTitle)) errors.aeTitle = 'required';
  const form: DeviceForm = {
    host: text(draft.host), port: number('port'), facility: text(draft.facility), description: draft.description.trim(),
    modality: text(draft.modality.toUpperCase()), room: text(draft.room), characterSet: text(draft.characterSet),
    calledAe: draft.calledAe.split(',').map((title) => title.trim()).filter((title) => title !== ''),
    maxAssociations: number('maxAssociations'), maxAnswers: number('maxAnswers'), requiresTls: draft.requiresTls,
    certificate: text(draft.certificate), requiresUser: draft.requiresUser, worklistOwn: draft.worklistOwn, worklistDays: number('worklistDays'),
    sendLimit: number('sendLimit'), retrieveBy: draft.retrieveBy, priors: draft.priors, commitment: draft.commitment,
    performedSteps: draft.performedSteps, availability: draft.availability,
  };
  if (form.sendLimit === null) errors.sendLimit ??= 'required';
  if (form.port !== null && form.host === null) errors.host = 'required';
  return { form: Object.keys(errors).length === 0 ? form : null, errors };
}
