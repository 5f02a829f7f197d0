/** Dates and times as people here write them: dd/MM/yyyy and HH:mm, never depending on the browser's locale. */

const two = (n: number): string => String(n).padStart(2, '0');

/** `2026-11-23` → `23/11/2026`; anything else is shown as it came. */
export function day(iso: string | null | undefined): string {
  if (!iso) return '';
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  return parts ? `${parts[3]}/${parts[2]}/${parts[1]}` : iso;
}

/** `08:15:42` → `08:15`. */
export function clock(time: string | null | undefined): string {
  return time ? time.slice(0, 5) : '';
}

/** A DICOM date and time without zone, as sent: `23/11/2026 08:15`. */
export function dayAndClock(date: string | null | undefined, time: string | null | undefined): string {
  return [day(date), clock(time)].filter(Boolean).join(' ');
}

/** An instant (ISO 8601 with zone) on the reader's wall clock: `23/11/2026 08:15`. */
export function instant(iso: string | null | undefined): string {
  const at = parse(iso);
  return at ? `${instantDay(at)} ${instantClock(at)}` : '';
}

/** The wall clock of an instant: `08:15`. */
export function timeOf(iso: string | null | undefined): string {
  const at = parse(iso);
  return at ? instantClock(at) : '';
}

/** Today, or the given moment's day, as `yyyy-MM-dd` on the wall clock. */
export function isoDay(at: Date = new Date()): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A day moved by whole days, `yyyy-MM-dd` in and out. */
export function shiftDay(iso: string, days: number): string {
  const [year = 1970, month = 1, date = 1] = iso.split('-').map(Number);
  return isoDay(new Date(year, month - 1, date + days));
}

/** `23/11/2026`, `23112026`, `23-11-2026` or `2026-11-23` → `2026-11-23`; null when it is no real day. */
export function parseDay(typed: string): string | null {
  const text = typed.trim();
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const local = /^(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})$/.exec(text) ?? /^(\d{2})(\d{2})(\d{4})$/.exec(text);
  const [year, month, date] = iso ? [iso[1], iso[2], iso[3]] : local ? [local[3], local[2], local[1]] : [];
  if (!year || !month || !date) return null;
  const made = new Date(Number(year), Number(month) - 1, Number(date));
  const same = made.getMonth() === Number(month) - 1 && made.getDate() === Number(date);
  return same ? isoDay(made) : null;
}

/** `0830`, `8:30`, `8h30`, `8h` → `08:30` / `08:00`; null when it is no time of day. */
export function parseClock(typed: string): string | null {
  const parts = /^(\d{1,2})(?:[:h.](\d{2})?)?$/i.exec(typed.trim()) ?? /^(\d{2})(\d{2})$/.exec(typed.trim());
  if (!parts) return null;
  const [hour, minute] = [Number(parts[1]), Number(parts[2] ?? 0)];
  return hour < 24 && minute < 60 ? `${two(hour)}:${two(minute)}` : null;
}

function parse(iso: string | null | undefined): Date | null {
  if (!iso) return null;
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? null : at;
}

const instantDay = (at: Date): string => `${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()}`;
const instantClock = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}`;
