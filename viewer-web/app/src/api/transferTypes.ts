/** What goes to other systems, comes from them and is told them, and what other archives have. */
import type { phrases } from '~/i18n';
import type { Patient, Reason } from './types';

/** The parts of the queue. */
export const queueParts = ['open', 'failed', 'ended'] as const;
/** One of them. */
export type QueuePart = (typeof queueParts)[number];

/** Images on their way to another system or from one. */
export interface Transfer {
  id: number;
  direction: 'send' | 'pull';
  device: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  priority: 'low' | 'normal' | 'high';
  studyUid: string;
  /** Null while nothing of the study is here. */
  study: { patient: Patient; studyDate: string | null; description: string | null; modalities: string[] } | null;
  facility: string;
  origin: 'person' | 'route' | 'priors';
  originName: string | null;
  /** Null until its images have been counted. */
  total: number | null;
  moved: number;
  failed: number;
  commitment: 'asked' | 'committed' | 'partly' | 'silent' | null;
  commitmentAt: string | null;
  error: Reason | null;
  attempts: number;
  dueAt: string;
  createdBy: string | null;
  createdAt: string;
  updatedAt: string;
  /** Whether what was sent has been corrected or moved since, and not been sent there again. */
  isCorrectedSince: boolean;
}

/** Something that a device is told or asked beside images. */
export interface Notice {
  id: number;
  kind: keyof (typeof phrases)['vi']['notices']['kind'];
  device: string;
  /** Null where the study is not here. */
  studyUid: string | null;
  /** What is known of the study, or of the exam that is to become it. */
  study: Transfer['study'];
  state: Transfer['state'];
  error: Reason | null;
  attempts: number;
  dueAt: string;
  createdAt: string;
  updatedAt: string;
}

/** What is looked for in another archive. */
export interface ArchiveKeys {
  patientId: string | null;
  patientName: string | null;
  accessionNumber: string | null;
  modality: string | null;
  from: string | null;
  to: string | null;
}

/** A study that another archive has. */
export interface RemoteStudy {
  studyUid: string;
  patient: Patient;
  studyDate: string | null;
  accessionNumber: string | null;
  description: string | null;
  modalities: string[];
  /** Instances there, where the archive says so. */
  instanceCount: number | null;
  /** Instances of it that are here. */
  hereCount: number;
}

/** What another archive answered. */
export interface ArchiveAnswer {
  state: Transfer['state'];
  items: RemoteStudy[];
  more: boolean;
  error: Reason | null;
}

/** A rule by which images go to a device by themselves; a condition without values holds always. */
export interface Route {
  name: string;
  device: string;
  callingAe: string[];
  modality: string[];
  bodyPart: string[];
  facility: string[];
  hours: string | null;
  priority: Transfer['priority'];
  /** Whether what it has sent goes again when people correct it. */
  afterCorrections: boolean;
  isEnabled: boolean;
  source: 'file' | 'rows';
}

/** A part of the queue, and how much there is of what matters. */
export interface Queue {
  items: Transfer[];
  open: number;
  failed: number;
}
