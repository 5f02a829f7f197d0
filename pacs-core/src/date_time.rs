//! Dates and times of data sets (DA and TM, PS3.5 6.2) as civil time.
//!
//! In rows and answers they stay as sent. Here they are read: at the offset from UTC that the data
//! set names (0008,0201), else on the wall of the facility that made it.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use crate::clock;

/// A DA: `YYYYMMDD`, or the old `YYYY.MM.DD`; `None` when it is no date of a calendar.
pub fn date(da: &str) -> Option<Date> {
    let digits: String = da.trim().chars().filter(|c| *c != '.').collect();
    let whole = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| Date::strptime("%Y%m%d", &digits).ok()).flatten()
}

/// A TM to the second: `HH`, `HHMM` or `HHMMSS`, with or without a fraction or the old colons; `None`
/// when no clock shows it.
pub fn time(tm: &str) -> Option<Time> {
    let whole = tm.trim().split('.').next()?.replace(':', "");
    if !matches!(whole.len(), 2 | 4 | 6) || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| whole.get(at..at + 2).map_or(Ok(0), str::parse::<i8>).ok();
    // 60 is a leap second, which the standard allows and civil time does not know.
    let second = part(4).map(|second| if second == 60 { 59 } else { second });
    Time::new(part(0)?, part(2)?, second?, 0).ok()
}

/// A Timezone Offset From UTC (0008,0201): `+HHMM` or `-HHMM`, from -1200 to +1400 (PS3.3 C.12.1.1).
pub fn offset(sent: &str) -> Option<Offset> {
    let sent = sent.trim();
    let (sign, digits) = match sent.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    let minutes_east = sign * (hours * 60 + minutes);
    let known = minutes < 60 && (-12 * 60..=14 * 60).contains(&minutes_east);
    known.then(|| Offset::from_seconds(minutes_east * 60).ok()).flatten()
}

/// The time that a DT leaves open (PS3.5 6.2): from its first instant to its last, `2026` being a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant, as a clock shows it.
    pub first: DateTime,
    /// The first instant after it.
    pub after: DateTime,
    /// The offset from UTC, where one is named.
    pub offset: Option<Offset>,
}

impl Span {
    /// From when until before when it is, in UTC milliseconds; `zone` is where it was said, unless it
    /// names an offset. What lies behind the last day of the calendar is the end of time: people write
    /// 99991231 for "for ever".
    pub fn instants_ms(&self, zone: &TimeZone) -> (i64, i64) {
        let zone = self.offset.map_or_else(|| zone.clone(), TimeZone::fixed);
        let instant = |at| clock::instant_ms(at, &zone).unwrap_or(i64::MAX);
        (instant(self.first), instant(self.after))
    }
}

/// A DT: `YYYY[MM[DD[HH[MM[SS[.F…]]]]]][+ZZXX]`; `None` when no calendar and clock show it. Fractions
/// of a second are left out.
pub fn span(dt: &str) -> Option<Span> {
    let dt = dt.trim();
    let (at, offset) = match dt.find(['+', '-']) {
        Some(sign) => (dt.get(..sign)?, Some(self::offset(dt.get(sign..)?)?)),
        None => (dt, None),
    };
    let (digits, fraction) = at.split_once('.').unwrap_or((at, ""));
    let is_whole = matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14)
        && digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        && (fraction.is_empty() || digits.len() == 14);
    if !is_whole {
        return None;
    }
    let day = |digits: &str| date(&format!("{digits}{}", "0101".get(digits.len() - 4..).unwrap_or_default()));
    let (first, length) = if digits.len() <= 8 {
        let length = match digits.len() {
            4 => 1.year(),
            6 => 1.month(),
            _ => 1.day(),
        };
        (day(digits)?.to_datetime(Time::midnight()), length)
    } else {
        let (date_digits, time_digits) = digits.split_at_checked(8)?;
        let length = match time_digits.len() {
            2 => 1.hour(),
            4 => 1.minute(),
            _ => 1.second(),
        };
        (day(date_digits)?.to_datetime(time(time_digits)?), length)
    };
    Some(Span { first, after: first.checked_add(length).unwrap_or(DateTime::MAX), offset })
}

/// A date and time as the wall of the facility's `zone` shows it: what was sent beside an offset is
/// that offset's, what was sent without one is the wall's already.
pub fn on_wall(at: DateTime, sent_offset: Option<Offset>, zone: &TimeZone) -> DateTime {
    let instant: Option<Timestamp> = sent_offset.and_then(|offset| offset.to_timestamp(at).ok());
    instant.map_or(at, |instant| zone.to_datetime(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_or_refused() {
        for (da, want) in [
            ("20261123", Some("2026-11-23")),
            ("2026.11.23", Some("2026-11-23")),
            (" 20261123 ", Some("2026-11-23")),
            ("20261323", None),
            ("2026", None),
            ("202611230", None),
            ("-2026112", None),
            ("", None),
            ("ngày", None),
        ] {
            assert_eq!(date(da).map(|date| date.to_string()).as_deref(), want, "{da:?}");
        }
    }

    #[test]
    fn date_times_are_spans() {
        for (dt, want) in [
            ("2026", Some(("2026-01-01T00:00:00", "2027-01-01T00:00:00", 1_767_200_400_000))),
            ("202602", Some(("2026-02-01T00:00:00", "2026-03-01T00:00:00", 1_769_878_800_000))),
            ("20260228", Some(("2026-02-28T00:00:00", "2026-03-01T00:00:00", 1_772_211_600_000))),
            ("2026022823", Some(("2026-02-28T23:00:00", "2026-03-01T00:00:00", 1_772_294_400_000))),
            ("20260228235959.5", Some(("2026-02-28T23:59:59", "2026-03-01T00:00:00", 1_772_297_999_000))),
            ("20260228+0000", Some(("2026-02-28T00:00:00", "2026-03-01T00:00:00", 1_772_236_800_000))),
            ("20260228-0500", Some(("2026-02-28T00:00:00", "2026-03-01T00:00:00", 1_772_254_800_000))),
            ("99991231", Some(("9999-12-31T00:00:00", "9999-12-31T23:59:59.999999999", 253_402_189_200_000))),
            ("20260230", None),
            ("2026022825", None),
            ("202602282359.5", None),
            ("20260228+1900", None),
            ("202", None),
            ("", None),
            ("hôm nay", None),
        ] {
            let vietnam = TimeZone::fixed(jiff::tz::offset(7));
            let read = span(dt)
                .map(|span| (span.first.to_string(), span.after.to_string(), span.instants_ms(&vietnam).0));
            assert_eq!(
                read,
                want.map(|(first, after, ms)| (first.to_owned(), after.to_owned(), ms)),
                "{dt:?}"
            );
        }
    }

    #[test]
    fn the_last_day_of_the_calendar_is_the_end_of_time() {
        let new_york = TimeZone::fixed(jiff::tz::offset(-5));
        assert_eq!(span("99991231").unwrap().instants_ms(&new_york).1, i64::MAX);
        assert_eq!(span("9999").unwrap().instants_ms(&new_york).1, i64::MAX);
    }

    #[test]
    fn times_are_read_or_refused() {
        for (tm, want) in [
            ("093000", Some("09:30:00")),
            ("093000.123456", Some("09:30:00")),
            ("0930", Some("09:30:00")),
            ("09", Some("09:00:00")),
            ("09:30:00", Some("09:30:00")),
            ("235960", Some("23:59:59")),
            ("235961", None),
            ("2430", None),
            ("0960", None),
            ("9", None),
            ("", None),
        ] {
            assert_eq!(time(tm).map(|time| time.to_string()).as_deref(), want, "{tm:?}");
        }
    }

    #[test]
    fn offsets_are_read_or_refused() {
        for (sent, minutes) in [
            ("+0700", Some(420)),
            ("-0330", Some(-210)),
            ("+0000", Some(0)),
            ("+1400", Some(840)),
            ("+1401", None),
            ("-1300", None),
            ("+0760", None),
            ("0700", None),
            ("+07:00", None),
            ("ngày", None),
            ("", None),
        ] {
            assert_eq!(offset(sent).map(|offset| offset.seconds() / 60), minutes, "{sent:?}");
        }
    }

    #[test]
    fn what_was_sent_with_an_offset_is_moved_to_the_wall() {
        let vietnam = TimeZone::fixed(jiff::tz::offset(7));
        let at: DateTime = "2026-11-22T20:15:00".parse().unwrap();
        assert_eq!(on_wall(at, offset("+0000"), &vietnam).to_string(), "2026-11-23T03:15:00");
        assert_eq!(on_wall(at, offset("+0700"), &vietnam), at);
        assert_eq!(on_wall(at, None, &vietnam), at);
        let first = DateTime::MIN;
        assert_eq!(on_wall(first, offset("+1400"), &vietnam), first, "no instant that can be named");
    }
}
