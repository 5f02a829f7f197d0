//! DICOM dates and times (PS3.5 6.2) as the pages want them, and back.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use pacs_core::clock;
use storage::index::facilities;

/// `YYYYMMDD`, or the old `YYYY.MM.DD`, as `YYYY-MM-DD`; `None` when it is no date of a calendar.
pub fn iso_date(da: &str) -> Option<String> {
    let digits: String = da.trim().chars().filter(|c| *c != '.').collect();
    let date = Date::strptime("%Y%m%d", &digits).ok()?;
    (digits.len() == 8).then(|| date.to_string())
}

/// `YYYY-MM-DD` as `YYYYMMDD`; `None` when it is no date of a calendar.
pub fn dicom_date(iso: &str) -> Option<String> {
    let date: Date = (iso.len() == 10).then(|| iso.parse().ok())??;
    Some(date.strftime("%Y%m%d").to_string())
}

/// `HH`, `HHMM`, `HHMMSS` with or without a fraction as `HH:MM:SS`.
pub fn iso_time(tm: &str) -> Option<String> {
    let whole = tm.trim().split('.').next()?.replace(':', "");
    if !matches!(whole.len(), 2 | 4 | 6) || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| whole.get(at..at + 2).unwrap_or("00");
    let (hours, minutes, seconds) = (part(0), part(2), part(4));
    // 60 is a leap second, which the standard allows.
    (hours < "24" && minutes < "60" && seconds <= "60").then(|| format!("{hours}:{minutes}:{seconds}"))
}

/// `YYYYMMDD` and `HHMMSS` on the wall of a facility as RFC 3339 in UTC.
pub fn wall_instant(da: &str, tm: &str, zone: &str) -> Option<String> {
    let at: DateTime = format!("{}T{}", iso_date(da)?, iso_time(tm)?).parse().ok()?;
    clock::instant_ms(at, &facilities::zone(zone)).map(clock::rfc3339)
}

/// The day that it is in a zone, as `YYYYMMDD`.
pub fn today(now_ms: i64, zone: &TimeZone) -> String {
    clock::local_date_time(now_ms, zone).map(|now| now.strftime("%Y%m%d").to_string()).unwrap_or_default()
}

/// The local date and time of a form (`YYYY-MM-DDTHH:MM` with or without seconds) as `YYYYMMDD` and
/// `HHMMSS`.
pub fn dicom_date_time(text: &str) -> Option<(String, String)> {
    let at: DateTime = text.parse().ok()?;
    Some((at.strftime("%Y%m%d").to_string(), at.strftime("%H%M%S").to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_or_left_out() {
        for (da, iso) in [
            ("20261123", Some("2026-11-23")),
            ("2026.11.23", Some("2026-11-23")),
            (" 20261123 ", Some("2026-11-23")),
            ("20261323", None),
            ("2026", None),
            ("202611230", None),
            ("", None),
            ("ngày", None),
        ] {
            assert_eq!(iso_date(da).as_deref(), iso, "{da:?}");
        }
        assert_eq!(dicom_date("2026-11-23").as_deref(), Some("20261123"));
        assert_eq!(dicom_date("2026-11-31"), None);
        assert_eq!(dicom_date("20261123"), None);
    }

    #[test]
    fn times_are_read_or_left_out() {
        for (tm, iso) in [
            ("093000", Some("09:30:00")),
            ("093000.123456", Some("09:30:00")),
            ("0930", Some("09:30:00")),
            ("09", Some("09:00:00")),
            ("09:30:00", Some("09:30:00")),
            ("2430", None),
            ("9", None),
            ("", None),
        ] {
            assert_eq!(iso_time(tm).as_deref(), iso, "{tm:?}");
        }
    }

    #[test]
    fn a_forms_time_is_the_walls() {
        let expected = |time: &str| Some(("20261123".to_owned(), time.to_owned()));
        assert_eq!(dicom_date_time("2026-11-23T09:30"), expected("093000"));
        assert_eq!(dicom_date_time("2026-11-23T09:30:05"), expected("093005"));
        assert_eq!(dicom_date_time("tomorrow"), None);
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        assert_eq!(today(17 * 3_600_000, &zone), "19700102");
    }

    #[test]
    fn an_exams_time_on_the_wall_is_an_instant() {
        assert_eq!(
            wall_instant("20261123", "093000", "Asia/Ho_Chi_Minh").as_deref(),
            Some("2026-11-23T02:30:00.000Z")
        );
        assert_eq!(
            wall_instant("20261123", "093000", "Mars/Olympus").as_deref(),
            Some("2026-11-23T02:30:00.000Z")
        );
        assert_eq!(wall_instant("", "093000", "Asia/Ho_Chi_Minh"), None);
    }
}
