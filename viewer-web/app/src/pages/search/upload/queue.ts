/** The queue of an upload: reads heads, sends in batches, two requests at a time, and remembers every file's fate. */
import { headBytes, readClaim } from './part10';
import type { Reason, Sending } from './stow';

/** Where one file stands. */
export type FileState =
  | { is: 'waiting' | 'kept' }
  | { is: 'sending' }
  | { is: 'skipped' | 'failed'; reason: Reason; comment?: string | null };

/** One file of the upload. */
export interface Item {
  name: string;
  file: File;
  state: FileState;
}

/** Counts for the progress line. */
export interface Totals {
  total: number;
  done: number;
  kept: number;
  failed: number;
  skipped: number;
  size: number;
  sent: number;
  busy: boolean;
}

interface Limits {
  files: number;
  bytes: number;
  requests: number;
}

type Send = (files: readonly File[], onSent: (sentBytes: number) => void) => Sending;

/** Enough in one request to fill the line, little enough that the progress is of single files. */
const usual: Limits = { files: 24, bytes: 24_000_000, requests: 2 };

/** Uploads files; `onChange` is called whenever something moved. */
export class UploadQueue {
  readonly items: Item[] = [];
  private readonly running = new Map<Sending, number>();
  private readonly send: Send;
  private readonly onChange: () => void;
  private readonly limits: Limits;
  private stopped = false;
  private next = 0;

  constructor(send: Send, onChange: () => void, limits: Limits = usual) {
    this.send = send;
    this.onChange = onChange;
    this.limits = limits;
  }

  /** Adds files and begins to send. */
  add(files: readonly { name: string; file: File }[]): void {
    this.stopped = false;
    this.items.push(...files.map(({ name, file }): Item => ({ name, file, state: { is: 'waiting' } })));
    this.onChange();
    this.pump();
  }

  /** Gives up what is not sent yet. */
  stop(): void {
    this.stopped = true;
    for (const item of this.items) if (item.state.is === 'waiting') item.state = { is: 'failed', reason: 'stopped' };
    this.next = this.items.length;
    for (const sending of this.running.keys()) sending.abort();
    this.onChange();
  }

  /** The counts right now. */
  totals(): Totals {
    const totals: Totals = { total: this.items.length, done: 0, kept: 0, failed: 0, skipped: 0, size: 0, sent: 0, busy: false };
    for (const { file, state } of this.items) {
      if (state.is === 'skipped') {
        totals.skipped += 1;
        totals.done += 1;
        continue;
      }
      totals.size += file.size;
      if (state.is === 'kept' || state.is === 'failed') {
        totals[state.is] += 1;
        totals.done += 1;
        totals.sent += file.size;
      } else {
        totals.busy = true;
      }
    }
    for (const sent of this.running.values()) totals.sent += sent;
    totals.sent = Math.min(totals.sent, totals.size);
    return totals;
  }

  private pump(): void {
    while (this.active < this.limits.requests && this.next < this.items.length) void this.sendNext();
  }

  private active = 0;

  private async sendNext(): Promise<void> {
    this.active += 1;
    try {
      const batch = await this.sendable(this.takeBatch());
      if (batch.length > 0 && !this.stopped) await this.sendBatch(batch);
    } finally {
      this.active -= 1;
      this.onChange();
      this.pump();
    }
  }

  private takeBatch(): Item[] {
    const batch: Item[] = [];
    let size = 0;
    while (this.next < this.items.length && batch.length < this.limits.files) {
      const item = this.items[this.next];
      if (!item || (batch.length > 0 && size + item.file.size > this.limits.bytes)) break;
      item.state = { is: 'sending' };
      size += item.file.size;
      batch.push(item);
      this.next += 1;
    }
    return batch;
  }

  /** Leaves out what is no DICOM object; notes which object each file claims to be. */
  private async sendable(batch: readonly Item[]): Promise<{ item: Item; uid: string | null }[]> {
    const claims = await Promise.all(batch.map(async (item) => {
      try {
        return { item, claim: readClaim(new Uint8Array(await item.file.slice(0, headBytes).arrayBuffer())) };
      } catch {
        item.state = { is: 'failed', reason: 'unreadable' };
        return { item, claim: null };
      }
    }));
    return claims.flatMap(({ item, claim }) => {
      if (claim?.kind === 'instance') return [{ item, uid: claim.sopInstanceUid }];
      if (claim) item.state = { is: 'skipped', reason: claim.kind === 'directory' ? 'directory' : 'notDicom' };
      return [];
    });
  }

  private async sendBatch(batch: readonly { item: Item; uid: string | null }[]): Promise<void> {
    const sending = this.send(batch.map(({ item }) => item.file), (sentBytes) => {
      this.running.set(sending, sentBytes);
      this.onChange();
    });
    this.running.set(sending, 0);
    const { outcomes, whole } = await sending.answer;
    this.running.delete(sending);
    const alone = batch.length === 1;
    const untold: typeof batch[number][] = [];
    for (const one of batch) {
      const named = outcomes.get(one.uid ?? '-');
      const told = named === undefined && alone ? [...outcomes.values()][0] : named;
      if (told !== undefined) one.item.state = told === null ? { is: 'kept' } : { is: 'failed', ...told };
      else if (alone || (whole !== null && whole !== 'refused')) one.item.state = { is: 'failed', reason: whole ?? 'refused' };
      else untold.push(one);
    }
    this.onChange();
    // A request refused as a whole says nothing about its files, and a file may be kept under another UID than its
    // head claims: such files get a hearing of their own. One that is already kept is only acknowledged again.
    for (const one of untold) await this.sendBatch([one]);
  }
}
