/** What is corrected, moved and rejected of a study, and what was done to it. */
import type { phrases } from '~/i18n';
import type { Study, UnmatchedReason } from './types';

/** Keyword of an attribute that may be corrected. */
type CorrectableKeyword = keyof (typeof phrases)['vi']['corrections']['field'];

/** An attribute that may be corrected, as it stands and as it was sent. */
export interface CorrectableAttribute {
  keyword: CorrectableKeyword;
  value: string | null;
  sent: string | null;
}

/** The attributes of a study or series that may be corrected. */
export interface CorrectableLevel {
  uid: string;
  instances: number;
  attributes: CorrectableAttribute[];
}

/** What may be corrected of a study. */
export interface Correctable {
  study: CorrectableLevel;
  series: CorrectableLevel[];
}

/** New values by keyword; null takes a value away. */
export interface CorrectionForm {
  seriesUid?: string;
  attributes: Record<string, string | null>;
  reason?: string;
}

/** A value before and after. */
export interface ValueChange {
  keyword: CorrectableKeyword;
  before: string | null;
  after: string | null;
}

/** What a correction does. */
export interface CorrectionEffect {
  changes: ValueChange[];
  instances: number;
  isMatched: boolean;
  unmatchedReason: UnmatchedReason | null;
  isDoubtful: boolean;
}

/** What a correction has done, and the number by which it is taken back. */
export interface CorrectionDone extends CorrectionEffect {
  actId: number;
}

/** Where moved images are, how many are left where they were, and the number by which that is taken back. */
export interface Moved {
  actId: number;
  studyUid: string;
  instances: number;
  left: number;
}

/** Images to be moved; without `to` they become a study of their own. */
export interface MoveForm {
  to?: string;
  series?: readonly string[];
  /** Images of one series, which become one of their own. */
  instances?: readonly string[];
  all?: boolean;
  reason: string;
}

/** Something that was done to a study. */
export interface StudyAct {
  actId: number;
  kind: string;
  by: string;
  at: string;
  /** In somebody's words. */
  reason: string | null;
  /** Why it was rejected or deleted. */
  code: RejectionCode | null;
  subjectKind: string;
  subjectUid: string;
  undoes: number | null;
  isUndone: boolean;
  canUndo: boolean;
  changes: ValueChange[];
  movement: { from: string; to: string; series: number; instances: number } | null;
}

/** Why images are rejected: Code Value in the scheme DCM. */
export const rejectionCodes = ['113001', '113037', '113038', '113039'] as const;
/** One of them. */
export type RejectionCode = (typeof rejectionCodes)[number];

/** Who rejected something, when and why. */
export interface Rejected { code: RejectionCode | null; by: string; at: string }

/** A study of which something is rejected; its counts are of what is shown. */
export interface RejectedStudy extends Study {
  rejectedCount: number;
  rejected: Rejected;
}

/** A study, though nothing of it may be shown, and its series of which something is rejected. */
export interface StudyRejections {
  study: Study;
  series: {
    seriesUid: string; number: number | null; modality: string | null; description: string | null;
    rejectedCount: number; instanceCount: number; rejected: Rejected;
  }[];
}

/** Series or images that are named in one rejection, at most. */
export const mostRejected = 1000;

/** Images to be rejected: of instances the series is said too. */
export interface RejectForm {
  code: RejectionCode;
  series?: readonly string[];
  instances?: readonly string[];
  all?: boolean;
}

/** What was rejected or restored, by which number that is taken back, and how many images are shown then. */
export interface RejectionDone { actId: number; count: number; left: number }
