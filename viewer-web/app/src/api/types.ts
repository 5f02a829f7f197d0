/**
 * What /api/v1 answers. Days are `yyyy-MM-dd`, times `HH:mm:ss`, instants RFC 3339: all of them on the wall of the
 * facility they are about (or, where they are about none, of the reader's own), so their digits are shown as they are.
 */
import type { phrases } from '~/i18n';

/** The states an exam is seen in. */
export type LabelKey = keyof (typeof phrases)['vi']['exam']['label'];
/** The acts that move an exam. */
export type Act = keyof (typeof phrases)['vi']['exam']['act'];
/** Patient's sex, as DICOM has it. */
export type Sex = 'M' | 'F' | 'O';

/** Who is signed in. */
export interface Session {
  user: { name: string; displayName: string; role: string; facilities: string[] | null };
  language?: string;
  /** Zone of the clocks where the person works, as an IANA name. */
  timeZone: string;
}

/** A patient as every row carries it. */
export interface Patient {
  id: string;
  issuer: string | null;
  name: string;
  birthDate: string | null;
  sex: Sex | null;
}

/** A patient on record, with the numbers a counter asks for. */
export interface KnownPatient extends Patient {
  /** Key of the imaging record. */
  recordId: number;
  nationalId: string | null;
  insuranceId: string | null;
}

/** A row of the exam search. */
export interface Study {
  studyUid: string;
  /** Key of the patient's imaging record. */
  recordId: number;
  patient: Patient;
  studyDate: string | null;
  studyTime: string | null;
  /** Zone of the facility's wall, as an IANA name. */
  timeZone: string;
  accessionNumber: string | null;
  description: string | null;
  modalities: string[];
  seriesCount: number;
  instanceCount: number;
  facility: string | null;
  receivedAt: string;
  label: LabelKey | null;
  flags: string[];
}

/** One study with the patient's others. */
export interface StudyWithPriors extends Study {
  priors: Study[];
}

/** A page of rows and where the next begins. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A row of the day's worklist. */
export interface Exam {
  examId: number;
  orderId: number;
  label: LabelKey;
  flags: string[];
  patient: Patient;
  accessionNumber: string;
  procedure: { code: string; name: string };
  modality: string;
  facility: string;
  stationAe: string | null;
  room: string | null;
  scheduledAt: string | null;
  startedAt: string | null;
  referringPhysician: string | null;
  reason: string | null;
  /** Why it was put back, cancelled or broken off. */
  actReason: string | null;
  studyUid: string | null;
  instanceCount: number;
  acts: Act[];
}

/** The day's worklist. */
export interface Worklist {
  items: Exam[];
  asOf: string;
}

/** A device an order can name. */
export interface Station {
  aeTitle: string;
  modality: string;
  room: string | null;
  facility: string | null;
}

/** A room an order can name. */
export interface Room {
  code: string;
  name: string;
  facility: string;
  modality: string | null;
}

/** A service that can be ordered. */
export interface Procedure {
  code: string;
  name: string;
  modality: string;
}

/** What the order form chooses from. */
export interface OrderForm {
  facilities: { code: string; name: string; timeZone: string }[];
  stations: Station[];
  rooms: Room[];
  procedures: Procedure[];
  modalities: string[];
}

/** A new order. */
export interface NewOrder {
  patient: {
    id?: string;
    issuer?: string;
    name: string;
    birthDate?: string;
    sex?: Sex;
    nationalId?: string;
    insuranceId?: string;
  };
  facility?: string;
  procedure: Procedure;
  station: { aeTitle?: string; room?: string };
  scheduledAt: string;
  referringPhysician?: string;
  reason?: string;
  emergency?: boolean;
}

/** Why a study waits without an order. */
export type UnmatchedReason = keyof (typeof phrases)['vi']['unmatched']['reason'];

/** A study that waits for its order. */
export interface Unmatched {
  studyUid: string;
  patient: Patient;
  accessionNumber: string | null;
  modalities: string[];
  studyDate: string | null;
  receivedAt: string;
  facility: string;
  instanceCount: number;
  callingAe: string | null;
  reason: UnmatchedReason | null;
  candidates: Exam[];
}

/** What does not go together; also flags of studies. */
export const discrepancyKinds = ['demographicsDiffer', 'twoPatients', 'twoStudies', 'conflict', 'sharedIdentifier', 'sharedAccession'] as const;

/** What a person may say of a discrepancy. */
export type Answer = keyof (typeof phrases)['vi']['reconciliation']['answer'];

/** A study and what it is at odds with. */
export interface Discrepancy {
  id: number;
  kind: (typeof discrepancyKinds)[number];
  foundAt: string;
  study: Study;
  callingAe: string | null;
  other: {
    recordId: number | null;
    patient: Patient | null;
    studyCount: number;
    /** Whom an image of the same study names instead. */
    said: Patient | null;
    studyUid: string | null;
    contents: { seriesUid: string; instances: number; kept: number; firstAt: string; newestAt: string; serves: 'first' | 'newest' | null } | null;
  };
  answers: Answer[];
  answered: { answer: Answer | null; by: string; at: string; reason: string | null } | null;
}

/** How the first and the newest content of an instance differ. */
export interface ContentDifference {
  instanceUid: string;
  first: InstanceContent;
  newest: InstanceContent;
  lines: { tag: string; keyword: string | null; first: string | null; newest: string | null }[];
  /** More attributes differ than are listed. */
  cut: boolean;
}

/** One of several contents of an instance. */
export interface InstanceContent {
  receivedAt: string;
  bytes: number;
  transferSyntax: string;
  served: boolean;
}

/** A number that leads to a patient. */
export interface RecordNumber {
  identifier: string;
  issuer: string;
  /** A patient is registered by it, so it cannot be taken away. */
  registered: boolean;
}

/** One patient's time line. */
export interface ImagingRecord {
  recordId: number;
  patient: Patient;
  numbers: RecordNumber[];
  merged: { recordId: number; patient: Patient; studyCount: number; by: string | null; at: string | null; reason: string | null }[];
  studies: Study[];
  mayReconcile: boolean;
  /** What was done to the record and to those merged into it, newest first; empty for whoever may not. */
  acts: RecordAct[];
}

/** An act on a record. */
export interface RecordAct {
  actId: number;
  kind: string;
  by: string;
  at: string;
  reason: string | null;
  isUndone: boolean;
  /** Who was merged or parted; of a number, whose it is. */
  whom: Patient | null;
  number: string | null;
  issuer: string | null;
}

/** Why something did not go: a word of one of the lists of `i18n/why.ts`, what fills its blanks, and the same in English. */
export interface Reason {
  code: string;
  values: Record<string, string | number>;
  detail: string;
}

/** What a console reported of its work. */
export interface PerformedStep {
  uid: string;
  state: keyof (typeof phrases)['vi']['performed']['state'];
  isWrongEntry: boolean;
  /** It is for an exam of the worklist. */
  hasExam: boolean;
  stationAe: string;
  stationName: string | null;
  modality: string;
  description: string | null;
  startedAt: string | null;
  endedAt: string | null;
  reason: string | null;
  dose: string | null;
  seriesCount: number;
  instanceCount: number;
}

/** What may be said of a device, beside its AE title. */
export interface DeviceForm {
  host: string | null;
  port: number | null;
  facility: string | null;
  description: string;
  /** Set for a station of the worklist. */
  modality: string | null;
  room: string | null;
  /** Defined terms of what its console can read; null where each of its queries says so. */
  characterSet: string | null;
  /** AE titles of this archive that it may call; empty: all. */
  calledAe: string[];
  maxAssociations: number | null;
  maxAnswers: number | null;
  requiresTls: boolean;
  /** SHA-256 fingerprint or subject of the certificate it has to show. */
  certificate: string | null;
  requiresUser: boolean;
  /** Its worklist holds only what it has or could do. */
  worklistOwn: boolean;
  /** How many days ahead its worklist reaches. */
  worklistDays: number | null;
  /** Associations at a time by which queued images are sent to it; null leaves it as it is. */
  sendLimit: number | null;
  /** By C-MOVE it sends to this archive, by C-GET images come over the association that asks. */
  retrieveBy: 'move' | 'get';
  /** It is asked for a patient's earlier studies when an exam is ordered. */
  priors: boolean;
  /** It is asked, after images were sent, whether it keeps them. */
  commitment: boolean;
  /** What modalities report of their work (MPPS) is forwarded to it. */
  performedSteps: boolean;
  /** It is told which images are available. */
  availability: boolean;
}

/** A configured device. */
export interface Device extends DeviceForm {
  aeTitle: string;
  lastSeenAt: string | null;
  source: 'file' | 'rows';
  lastFailure: AssociationFailure | null;
}

/** An association that failed or was refused. */
export interface AssociationFailure {
  /** Opened by this archive. */
  outgoing: boolean;
  peer: string;
  calledAe: string;
  reason: Reason;
  at: string;
  times: number;
}

/** A peer that is no device; its title is empty when it never said it. */
export interface Stranger {
  aeTitle: string;
  lastFailure: AssociationFailure;
}

/** What the page of devices shows. */
export interface Devices {
  items: Device[];
  strangers: Stranger[];
  facilities: string[];
}

/** An echo test. */
export interface Echo {
  jobId: number;
  done: boolean;
  ok: boolean;
  tookMs: number | null;
  reason: Reason | null;
}

/** What this server is and where it listens. */
export interface SystemInfo {
  version: string;
  aeTitle: string;
  dimsePort: number;
  /** Facility of orders and images that name none. */
  defaultFacility: string;
}

/** A change somewhere; pages only use it to ask again. */
export interface Change {
  id: number;
  kind: 'study.changed' | 'series.settled' | 'exam.changed' | 'order.created' | 'unmatched.changed' | 'patient.changed' | 'instance.damaged';
  studyUid?: string | null;
  examId?: number | null;
}
