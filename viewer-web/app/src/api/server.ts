/** Every call of /api/v1, by name. */
import type {
  Correctable, CorrectionDone, CorrectionEffect, CorrectionForm, Moved, MoveForm, RejectedStudy, RejectForm,
  RejectionDone, StudyAct, StudyRejections,
} from './correctionTypes';
import { request, withQuery } from './http';
import type { Intake, IntakeDetails, Storage } from './keepingTypes';
import type { ArchiveAnswer, ArchiveKeys, Notice, Queue, QueuePart, Route, Transfer } from './transferTypes';
import type {
  Act, Answer, ContentDifference, DeviceForm, Devices, Discrepancy, Echo, Exam, ImagingRecord, KnownPatient, NewOrder,
  OrderForm, Page, PerformedStep, Reason, RecordNumber, Session, Stranger, Study, StudyWithPriors, SystemInfo,
  Unmatched, Worklist,
} from './types';

const root = '/api/v1';
const part = encodeURIComponent;

/** What the exam search asks for. */
export interface StudyFilter {
  q: string;
  modality: string | null;
  from: string | null;
  to: string | null;
}

/** What the worklist asks for. */
export interface WorklistFilter {
  date: string;
  modality: string | null;
  room: string | null;
}

/** Which part of the reconciliation list. */
export interface ReconciliationFilter {
  state: 'open' | 'answered';
  kind: Discrepancy['kind'] | null;
}

/** Which part of a study is sent: some series, some instances, or all of it. */
export type SendWhat = { series?: readonly string[]; instances?: readonly string[] };

export const server = {
  session: (signal?: AbortSignal) => request<Session>(`${root}/session`, { signal }),
  signIn: (user: string, password: string) => request<Session>(`${root}/session`, { method: 'POST', body: { user, password } }),
  chooseLanguage: (language: string) => request<void>(`${root}/session`, { method: 'PATCH', body: { language } }),
  signOut: () => request<void>(`${root}/session`, { method: 'DELETE' }),

  studies: (filter: StudyFilter, cursor: string | null, limit: number, signal?: AbortSignal) =>
    request<Page<Study>>(`${root}/studies/search`, { method: 'POST', body: { ...filter, limit, cursor }, signal }),
  study: (studyUid: string, signal?: AbortSignal) => request<StudyWithPriors>(`${root}/studies/${part(studyUid)}`, { signal }),

  correctable: (studyUid: string, signal?: AbortSignal) => request<Correctable>(`${root}/studies/${part(studyUid)}/corrections`, { signal }),
  previewCorrection: (studyUid: string, form: CorrectionForm, signal?: AbortSignal) =>
    request<CorrectionEffect>(`${root}/studies/${part(studyUid)}/corrections/preview`, { method: 'POST', body: form, signal }),
  correct: (studyUid: string, form: CorrectionForm) =>
    request<CorrectionDone>(`${root}/studies/${part(studyUid)}/corrections`, { method: 'POST', body: form }),
  moveImages: (studyUid: string, form: MoveForm) =>
    request<Moved>(`${root}/studies/${part(studyUid)}/moves`, { method: 'POST', body: form }),
  studyActs: (studyUid: string, signal?: AbortSignal) => request<{ items: StudyAct[] }>(`${root}/studies/${part(studyUid)}/acts`, { signal }),

  rejections: (cursor: string | null, limit: number, signal?: AbortSignal) =>
    request<Page<RejectedStudy>>(withQuery(`${root}/rejections`, { cursor, limit }), { signal }),
  studyRejections: (studyUid: string, signal?: AbortSignal) => request<StudyRejections>(`${root}/studies/${part(studyUid)}/rejections`, { signal }),
  reject: (studyUid: string, form: RejectForm) =>
    request<RejectionDone>(`${root}/studies/${part(studyUid)}/rejections`, { method: 'POST', body: form }),
  /** Everything that is rejected of a series, or without one of the study. */
  restore: (studyUid: string, seriesUid: string | undefined, reason: string) =>
    request<RejectionDone>(`${root}/studies/${part(studyUid)}/rejections/restore`, { method: 'POST', body: { seriesUid, reason } }),

  /** Takes a correction, a move, a matching or a rejection back. */
  undoAct: (actId: number) => request<void>(`${root}/acts/${actId}/undo`, { method: 'POST', body: {} }),

  worklist: (filter: WorklistFilter, signal?: AbortSignal) =>
    request<Worklist>(withQuery(`${root}/worklist`, { ...filter }), { signal }),
  act: (examId: number, act: Act, reason?: string) =>
    request<Exam>(`${root}/exams/${examId}/acts`, { method: 'POST', body: reason ? { act, reason } : { act } }),

  /** Takes the act back, unless something has happened to the exam since. */
  undo: (examId: number, act: Act) => request<Exam>(`${root}/exams/${examId}/undo`, { method: 'POST', body: { act } }),

  orderForm: (signal?: AbortSignal) => request<OrderForm>(`${root}/orders/form`, { signal }),
  patients: (q: string, signal?: AbortSignal) => request<{ items: KnownPatient[] }>(`${root}/patients/search`, { method: 'POST', body: { q }, signal }),
  createOrder: (order: NewOrder) => request<Exam>(`${root}/orders`, { method: 'POST', body: order }),

  unmatched: (cursor: string | null, limit: number, signal?: AbortSignal) =>
    request<Page<Unmatched>>(withQuery(`${root}/unmatched`, { cursor, limit }), { signal }),
  /** Any order that images may belong to. */
  exams: (q: string, signal?: AbortSignal) => request<{ items: Exam[] }>(`${root}/exams/search`, { method: 'POST', body: { q }, signal }),
  link: (studyUid: string, examId: number, reason?: string) =>
    request<unknown>(`${root}/unmatched/${part(studyUid)}/link`, { method: 'POST', body: reason ? { examId, reason } : { examId } }),
  unlink: (studyUid: string, reason?: string) =>
    request<{ actId: number }>(`${root}/unmatched/${part(studyUid)}/unlink`, { method: 'POST', body: { reason } }),

  reconciliation: (filter: ReconciliationFilter, cursor: string | null, limit: number, signal?: AbortSignal) =>
    request<Page<Discrepancy>>(withQuery(`${root}/reconciliation`, { ...filter, cursor, limit: String(limit) }), { signal }),
  difference: (id: number, signal?: AbortSignal) => request<ContentDifference>(`${root}/reconciliation/${id}/difference`, { signal }),
  answer: (id: number, answer: Answer, recordId: number | null, reason?: string) =>
    request<void>(`${root}/reconciliation/${id}/answer`, { method: 'POST', body: { answer, recordId, reason } }),
  reopen: (id: number, reason?: string) => request<void>(`${root}/reconciliation/${id}/reopen`, { method: 'POST', body: { reason } }),

  record: (recordId: number, signal?: AbortSignal) => request<ImagingRecord>(`${root}/patients/${recordId}`, { signal }),
  merge: (from: number, into: number, reason?: string) => request<void>(`${root}/patients/${from}/merge`, { method: 'POST', body: { into, reason } }),
  unmerge: (from: number, reason?: string) => request<void>(`${root}/patients/${from}/unmerge`, { method: 'POST', body: { reason } }),
  addNumber: (recordId: number, { identifier, issuer }: RecordNumber, reason?: string) =>
    request<void>(`${root}/patients/${recordId}/numbers`, { method: 'POST', body: { identifier, issuer, reason } }),
  removeNumber: (recordId: number, { identifier, issuer }: RecordNumber, reason?: string) =>
    request<void>(`${root}/patients/${recordId}/numbers/remove`, { method: 'POST', body: { identifier, issuer, reason } }),

  queue: (show: QueuePart, signal?: AbortSignal) => request<Queue>(withQuery(`${root}/queue`, { show }), { signal }),
  transferFailures: (id: number, signal?: AbortSignal) => request<{ items: { instanceUid: string; reason: Reason }[] }>(`${root}/queue/${id}/failures`, { signal }),
  cancelTransfer: (id: number) => request<void>(`${root}/queue/${id}/cancel`, { method: 'POST', body: {} }),
  retryTransfer: (id: number) => request<void>(`${root}/queue/${id}/retry`, { method: 'POST', body: {} }),
  prioritiseTransfer: (id: number, priority: Transfer['priority']) => request<void>(`${root}/queue/${id}/priority`, { method: 'POST', body: { priority } }),
  /** What was sent, as it is now. */
  resendTransfer: (id: number) => request<{ id: number }>(`${root}/queue/${id}/resend`, { method: 'POST', body: {} }),
  send: (studyUid: string, device: string, what: SendWhat) =>
    request<{ id: number }>(`${root}/studies/${part(studyUid)}/send`, { method: 'POST', body: { device, ...what } }),

  askArchive: (archive: string, keys: ArchiveKeys) => request<{ id: number }>(`${root}/archives/${part(archive)}/queries`, { method: 'POST', body: keys }),
  archiveAnswer: (id: number, signal?: AbortSignal) => request<ArchiveAnswer>(`${root}/archives/queries/${id}`, { signal }),
  pullStudy: (archive: string, studyUid: string) => request<{ id: number }>(`${root}/archives/${part(archive)}/pull`, { method: 'POST', body: { studyUid } }),

  routes: (signal?: AbortSignal) => request<{ items: Route[] }>(`${root}/routes`, { signal }),
  addRoute: (route: Route) => request<Route>(`${root}/routes/${part(route.name.trim())}`, { method: 'POST', body: route }),
  enableRoute: (name: string, isEnabled: boolean) => request<void>(`${root}/routes/${part(name)}`, { method: 'PATCH', body: { isEnabled } }),
  putRoute: (route: Route) => request<Route>(`${root}/routes/${part(route.name.trim())}`, { method: 'PUT', body: route }),
  removeRoute: (name: string) => request<void>(`${root}/routes/${part(name)}`, { method: 'DELETE' }),

  notices: (show: QueuePart, signal?: AbortSignal) => request<{ items: Notice[] }>(withQuery(`${root}/queue/notices`, { show }), { signal }),
  retryNotice: (id: number) => request<void>(`${root}/queue/notices/${id}/retry`, { method: 'POST', body: {} }),
  cancelNotice: (id: number) => request<void>(`${root}/queue/notices/${id}/cancel`, { method: 'POST', body: {} }),

  performedOfExam: (examId: number, signal?: AbortSignal) => request<{ items: PerformedStep[] }>(`${root}/exams/${examId}/performed-steps`, { signal }),
  performedOfStudy: (studyUid: string, signal?: AbortSignal) => request<{ items: PerformedStep[] }>(`${root}/studies/${part(studyUid)}/performed-steps`, { signal }),

  intakes: (signal?: AbortSignal) => request<{ items: Intake[] }>(`${root}/intakes`, { signal }),
  intake: (id: number, after: string, signal?: AbortSignal) => request<IntakeDetails>(withQuery(`${root}/intakes/${id}`, { after }), { signal }),
  stopIntake: (id: number) => request<void>(`${root}/intakes/${id}/stop`, { method: 'POST', body: {} }),
  resumeIntake: (id: number) => request<void>(`${root}/intakes/${id}/resume`, { method: 'POST', body: {} }),

  storage: (signal?: AbortSignal) => request<Storage>(`${root}/storage`, { signal }),

  devices: (signal?: AbortSignal) => request<Devices>(`${root}/devices`, { signal }),
  addDevice: (aeTitle: string, form: DeviceForm) => request<unknown>(`${root}/devices`, { method: 'POST', body: { aeTitle, ...form } }),
  changeDevice: (aeTitle: string, form: DeviceForm) => request<void>(`${root}/devices/${part(aeTitle)}`, { method: 'PUT', body: form }),
  removeDevice: (aeTitle: string) => request<void>(`${root}/devices/${part(aeTitle)}`, { method: 'DELETE' }),
  forgetFailures: ({ aeTitle, lastFailure: { peer: address, outgoing } }: Stranger) =>
    request<void>(`${root}/devices/failures/forget`, { method: 'POST', body: { aeTitle, peer: { address, outgoing } } }),
  beginEcho: (aeTitle: string) => request<Echo>(`${root}/devices/${part(aeTitle)}/echo`, { method: 'POST' }),
  echo: (aeTitle: string, jobId: number) => request<Echo>(`${root}/devices/${part(aeTitle)}/echo/${jobId}`),

  system: (signal?: AbortSignal) => request<SystemInfo>(`${root}/system`, { signal }),
};
