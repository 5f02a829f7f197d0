/** What is kept and how: disks, backups, reading back, and old archives on their way in. */
import type { Reason } from './types';

/** A disk of the server. */
export interface Disk {
  use: 'spool' | 'objects' | 'rows' | 'data';
  folder: string;
  freeBytes: number;
  totalBytes: number;
  level: 'enough' | 'low' | 'full';
}

/** A backup that was tried. */
export interface BackupRun {
  snapshot: string;
  target: string;
  state: 'running' | 'done' | 'failed';
  startedAt: string;
  endedAt: string | null;
  objects: number;
  objectBytes: number;
  copiedBytes: number;
  damaged: number;
  error: Reason | null;
}

/** Backups; the newest that were tried come first. */
export interface Backups {
  isPlanned: boolean;
  lastGoodAt: string | null;
  runs: BackupRun[];
}

/** How far reading back what is stored is. */
export interface Verification {
  everyDays: number | null;
  instances: number;
  bytes: number;
  since: string | null;
  lastAt: string | null;
  oldestAt: string | null;
  packs: number;
  duePacks: number;
  damaged: number;
}

/** A stored image that is not what was stored. */
export interface DamagedImage {
  studyUid: string;
  seriesUid: string;
  instanceUid: string;
  why: Reason;
  since: string;
}

/** How what is kept is kept. */
export interface Storage {
  spoolBytes: number;
  spoolLimitBytes: number;
  disks: Disk[];
  backup: Backups;
  verification: Verification;
  damaged: DamagedImage[];
}

/** An old archive on its way in: files that are imported, or another PACS that is emptied. */
export interface Intake {
  id: number;
  kind: 'import' | 'migration';
  /** The AE title of the other PACS, or folders and files. */
  from: string[];
  state: 'running' | 'stopped' | 'done';
  /** The server does it; else the command that began it. */
  byServer: boolean;
  /** A migration goes backward over these study dates. */
  newestDate: string | null;
  oldestDate: string | null;
  /** The day that it is at. */
  atDate: string | null;
  hours: string | null;
  /** 0: as fast as it goes. */
  bytesPerSecond: number;
  taken: number;
  present: number;
  conflicts: number;
  skipped: number;
  failed: number;
  bytes: number;
  /** Why it waits just now. */
  note: Reason | null;
  startedAt: string;
  updatedAt: string;
  endedAt: string | null;
  mayStop: boolean;
  mayResume: boolean;
}

/** One of them, with a page of what was not taken. */
export interface IntakeDetails extends Intake {
  notTaken: { name: string; skipped: boolean; reason: Reason }[];
  more: boolean;
  /** How the counts of another PACS and ours compare. */
  compared: { studies: number; uncounted: number; expected: number; arrived: number; incomplete: number } | null;
}
