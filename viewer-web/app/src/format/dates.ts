/**
 * Dates and times as people here write them: dd/MM/yyyy and HH:mm. Never in the browser's locale, and never in its
 * zone either: every time is that of the hospital's wall, so a reader abroad and the clerk at the desk see the same.
 */

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

/** A date and a time of one wall: `23/11/2026 08:15`. */
export function dayAndClock(date: string | null | undefined, time: string | null | undefined): string {
  return [day(date), clock(time)].filter(Boolean).join(' ');
}

/** An instant of the server, whose digits are the wall's (`2026-11-23T08:15:42.000+07:00`): `23/11/2026 08:15`. */
export function instant(iso: string | null | undefined): string {
  return dayAndClock(iso?.slice(0, 10), timeOf(iso));
}

/** The wall clock of an instant of the server: `08:15`. */
export function timeOf(iso: string | null | undefined): string {
  return clock(iso?.slice(11));
}

/** A day and a time of day on one wall: `yyyy-MM-dd` and `HH:mm`. */
export interface Wall {
  day: string;
  clock: string;
}

/** What the wall of a zone (an IANA name) shows now, or at the given moment. */
export function wallOf(zone: string, at: Date = new Date()): Wall {
  const parts = new Map(wallFormat(zone).formatToParts(at).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return { day: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`, clock: `${part('hour')}:${part('minute')}` };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallFormat(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  });
  formats.set(zone, made);
  return made;
}

/**
 * A date and time out of a data set on the wall of a zone: read at the set's own offset from UTC (0008,0201, `+0700`)
 * where it names one; without one they are of that wall already.
 */
export function onWall(date: string | null, time: string | null, offset: string | null, zone: string): string {
  const sent = /^([+-])(\d{2})(\d{2})$/.exec(offset ?? '');
  const at = new Date(`${date}T${time}Z`);
  if (!sent || Number.isNaN(at.getTime())) return dayAndClock(date, time);
  const east = (sent[1] === '-' ? -1 : 1) * (Number(sent[2]) * 60 + Number(sent[3]));
  const wall = wallOf(zone, new Date(at.getTime() - east * 60_000));
  return dayAndClock(wall.day, wall.clock);
}

/** A day moved by whole days, `yyyy-MM-dd` in and out. */
export function shiftDay(iso: string, days: number): string {
  const [year = 1970, month = 1, date = 1] = iso.split('-').map(Number);
  return isoDay(year, month, date + days);
}

/** `23/11/2026`, `23112026`, `23-11-2026` or `2026-11-23` → `2026-11-23`; null when it is no real day. */
export function parseDay(typed: string): string | null {
  const text = typed.trim();
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const local = /^(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})$/.exec(text) ?? /^(\d{2})(\d{2})(\d{4})$/.exec(text);
  const [year, month, date] = iso ? [iso[1], iso[2], iso[3]] : local ? [local[3], local[2], local[1]] : [];
  if (!year || !month || !date) return null;
  const made = isoDay(Number(year), Number(month), Number(date));
  return made === `${year}-${two(Number(month))}-${two(Number(date))}` ? made : null;
}

/** `0830`, `8:30`, `8h30`, `8h` → `08:30` / `08:00`; null when it is no time of day. */
export function parseClock(typed: string): string | null {
  const parts = /^(\d{1,2})(?:[:h.](\d{2})?)?$/i.exec(typed.trim()) ?? /^(\d{2})(\d{2})$/.exec(typed.trim());
  if (!parts) return null;
  const [hour, minute] = [Number(parts[1]), Number(parts[2] ?? 0)];
  return hour < 24 && minute < 60 ? `${two(hour)}:${two(minute)}` : null;
}

/** The day of a calendar, overflowing months and years. */
function isoDay(year: number, month: number, date: number): string {
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, date);
  return `${String(made.getUTCFullYear()).padStart(4, '0')}-${two(made.getUTCMonth() + 1)}-${two(made.getUTCDate())}`;
}
