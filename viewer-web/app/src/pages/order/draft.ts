/** The order as it is being typed, and what must hold before it is sent. */
import type { KnownPatient, NewOrder, Procedure, Sex } from '~/api/types';
import type { CardHolder } from '~/format/identityCard';
import { parseClock } from '~/format/dates';
import type { phrases } from '~/i18n';

/** Where the exam is to be made: a device, a room, or any device of the modality. */
export type Place = { is: 'any' } | { is: 'station'; aeTitle: string } | { is: 'room'; room: string };

/** What stands in the form. */
export interface Draft {
  /** Set when the patient is on record. */
  known: KnownPatient | null;
  fromCard: boolean;
  patientId: string;
  name: string;
  birthDate: string | null;
  sex: Sex | null;
  nationalId: string;
  insuranceId: string;
  procedure: Procedure | null;
  place: Place;
  facility: string | null;
  day: string;
  time: string;
  emergency: boolean;
  referring: string;
  reason: string;
}

/** Names of fields, as the server names them too. */
export type Field = 'name' | 'birthDate' | 'sex' | 'patientId' | 'nationalId' | 'insuranceId' | 'procedure' | 'station' | 'scheduledAt' | 'facility' | 'referringPhysician' | 'reason';
/** Why a field is not right. */
export type FieldProblem = keyof (typeof phrases)['vi']['order']['error'];
/** Fields that are not right. */
export type FieldErrors = Partial<Record<Field, FieldProblem>>;

/** An empty form for now. */
export function emptyDraft(day: string, time: string, facility: string | null): Draft {
  return {
    known: null, fromCard: false, patientId: '', name: '', birthDate: null, sex: null, nationalId: '', insuranceId: '',
    procedure: null, place: { is: 'any' }, facility, day, time, emergency: false, referring: '', reason: '',
  };
}

/** Whether anything was typed that one would not want to type again. */
export function isBegun({ known, name, birthDate, nationalId, insuranceId, patientId, procedure, referring, reason }: Draft): boolean {
  return known !== null || procedure !== null || birthDate !== null || [name, nationalId, insuranceId, patientId, referring, reason].some((text) => text.trim() !== '');
}

/** The form with a patient on record filled in. */
export function withKnown(draft: Draft, known: KnownPatient): Draft {
  return {
    ...draft, known, fromCard: false, patientId: known.id, name: known.name, birthDate: known.birthDate, sex: known.sex,
    nationalId: known.nationalId ?? '', insuranceId: known.insuranceId ?? '',
  };
}

/** The form for somebody who is not on record: nothing of the patient before may stay. */
export function withNew(draft: Draft, name: string): Draft {
  return { ...draft, known: null, fromCard: false, patientId: '', name: name.toUpperCase(), birthDate: null, sex: null, nationalId: '', insuranceId: '' };
}

/** The form with what a card says of a patient who is not on record yet. */
export function withCard(draft: Draft, card: CardHolder): Draft {
  return {
    ...draft, known: null, fromCard: true, patientId: '', name: card.name.toUpperCase(), birthDate: card.birthDate, sex: card.sex,
    nationalId: card.nationalId ?? '', insuranceId: card.insuranceId ?? '',
  };
}

/** What keeps the form from being sent, field by field. An emergency is never held up by missing details. */
export function check(draft: Draft, today: string): FieldErrors {
  const errors: FieldErrors = {};
  if (!draft.emergency && draft.name.trim() === '') errors.name = 'required';
  else if (draft.name.trim().length > 64) errors.name = 'tooLong';
  if (!draft.emergency && draft.sex === null) errors.sex = 'required';
  if (!draft.emergency && draft.birthDate === null) errors.birthDate = 'required';
  if (draft.birthDate !== null && draft.birthDate > today) errors.birthDate = 'future';
  if (draft.nationalId.trim() !== '' && !/^(\d{9}|\d{12})$/.test(draft.nationalId.trim())) errors.nationalId = 'nationalId';
  if (draft.insuranceId.trim() !== '' && !/^(\d{10}|[A-Z0-9]{15})$/i.test(draft.insuranceId.trim())) errors.insuranceId = 'insuranceId';
  if (draft.procedure === null || draft.procedure.modality === '') errors.procedure = 'required';
  if (draft.day === '') errors.scheduledAt = 'date';
  else if (parseClock(draft.time) === null) errors.scheduledAt = 'time';
  return errors;
}

/** The order to send; null while something is missing that `check` names. */
export function orderOf(draft: Draft): NewOrder | null {
  const time = parseClock(draft.time);
  if (draft.procedure === null || time === null) return null;
  const { known, place } = draft;
  return {
    patient: {
      ...filled({ id: known?.id ?? draft.patientId.trim(), issuer: known?.issuer ?? '' }),
      name: draft.name.trim(),
      ...filled({ birthDate: draft.birthDate ?? '', nationalId: draft.nationalId.trim(), insuranceId: draft.insuranceId.trim() }),
      ...(draft.sex ? { sex: draft.sex } : {}),
    },
    ...filled({ facility: draft.facility ?? '', referringPhysician: draft.referring.trim(), reason: draft.reason.trim() }),
    procedure: draft.procedure,
    station: place.is === 'station' ? { aeTitle: place.aeTitle } : place.is === 'room' ? { room: place.room } : {},
    scheduledAt: `${draft.day}T${time}:00`,
    ...(draft.emergency ? { emergency: true } : {}),
  };
}

/** The server's field errors under the form's names. */
export function serverErrors(fields: Readonly<Record<string, string>>, known: readonly string[]): FieldErrors {
  const errors: FieldErrors = {};
  for (const [path, key] of Object.entries(fields)) {
    const name = path.split('.').at(-1) ?? path;
    const field = aliases[name] ?? (name as Field);
    errors[field] = (known.includes(key) ? key : 'invalid') as FieldProblem;
  }
  return errors;
}

const aliases: Partial<Record<string, Field>> = { id: 'patientId', aeTitle: 'station', room: 'station', code: 'procedure', modality: 'procedure' };

function filled<T extends Record<string, string>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>;
}
