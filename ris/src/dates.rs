//! Dates and times as the pages want them, and back.
//!
//! Everything about a study or an exam is told on the wall of its facility: civil dates and times as
//! ISO 8601, instants as RFC 3339 with the facility's offset, so that their digits are what a clock in
//! that hospital shows, whoever reads them wherever.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pacs_core::{clock, date_time};

/// A DA as `YYYY-MM-DD`; `None` when it is no date of a calendar.
pub fn iso_date(da: &str) -> Option<String> {
    date_time::date(da).map(|date| date.to_string())
}

/// `YYYY-MM-DD` as `YYYYMMDD`; `None` when it is no date of a calendar.
pub fn dicom_date(iso: &str) -> Option<String> {
    let digits = iso.replace('-', "");
    let date = (iso.len() == 10).then(|| date_time::date(&digits))??;
    (date.to_string() == iso).then_some(digits)
}

/// A study's date and time as sent, on its facility's wall: `YYYY-MM-DD` and `HH:MM:SS`. What cannot
/// be read is left out.
pub fn study_wall(
    da: Option<&str>,
    tm: Option<&str>,
    sent_offset: Option<&str>,
    zone: &TimeZone,
) -> (Option<String>, Option<String>) {
    let (date, time) = (da.and_then(date_time::date), tm.and_then(date_time::time));
    let (Some(date), Some(time)) = (date, time) else {
        return (date.map(|date| date.to_string()), time.map(|time| time.to_string()));
    };
    let offset = sent_offset.and_then(date_time::offset);
    let at = date_time::on_wall(date.to_datetime(time), offset, zone);
    (Some(at.date().to_string()), Some(at.time().to_string()))
}

/// `YYYYMMDD` and `HHMMSS` on the wall of a facility as RFC 3339.
pub fn wall_instant(da: &str, tm: &str, zone: &TimeZone) -> Option<String> {
    let at = date_time::date(da)?.to_datetime(date_time::time(tm)?);
    clock::instant_ms(at, zone).map(|ms| clock::rfc3339_on(ms, zone))
}

/// The day that it is in a zone, as `YYYYMMDD`.
pub fn today(now_ms: i64, zone: &TimeZone) -> String {
    clock::local_date_time(now_ms, zone).map(|now| now.strftime("%Y%m%d").to_string()).unwrap_or_default()
}

/// The date and time of a form on the facility's wall (`YYYY-MM-DDTHH:MM` with or without seconds) as
/// `YYYYMMDD` and `HHMMSS`. One with an offset is refused: it would be taken for the wall's.
pub fn dicom_date_time(text: &str) -> Option<(String, String)> {
    let at: DateTime = matches!(text.len(), 16 | 19).then(|| text.parse().ok()).flatten()?;
    Some((at.strftime("%Y%m%d").to_string(), at.strftime("%H%M%S").to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vietnam() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(7))
    }

    #[test]
    fn dates_go_both_ways() {
        assert_eq!(iso_date("2026.11.23").as_deref(), Some("2026-11-23"));
        assert_eq!(iso_date("20261323"), None);
        assert_eq!(dicom_date("2026-11-23").as_deref(), Some("20261123"));
        for wrong in ["2026-11-31", "20261123", "2026-1123-", "20-26-1123", "ngày mai nhé"] {
            assert_eq!(dicom_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_studys_time_is_read_at_its_offset_or_on_the_wall() {
        let of = |da, tm, offset| {
            let (date, time) = study_wall(da, tm, offset, &vietnam());
            format!("{} {}", date.unwrap_or_default(), time.unwrap_or_default())
        };
        assert_eq!(of(Some("20261122"), Some("201500.5"), Some("+0000")), "2026-11-23 03:15:00");
        assert_eq!(of(Some("20261122"), Some("201500.5"), Some("+0700")), "2026-11-22 20:15:00");
        assert_eq!(of(Some("20261122"), Some("201500.5"), None), "2026-11-22 20:15:00");
        assert_eq!(of(Some("20261122"), Some("201500.5"), Some("east")), "2026-11-22 20:15:00");
        assert_eq!(of(Some("20261122"), None, Some("+0000")), "2026-11-22 ");
        assert_eq!(of(None, Some("0815"), Some("+0000")), " 08:15:00");
        assert_eq!(of(Some("yesterday"), Some("late"), None), " ");
    }

    #[test]
    fn a_forms_time_is_the_walls() {
        let expected = |time: &str| Some(("20261123".to_owned(), time.to_owned()));
        assert_eq!(dicom_date_time("2026-11-23T09:30"), expected("093000"));
        assert_eq!(dicom_date_time("2026-11-23T09:30:05"), expected("093005"));
        for wrong in ["tomorrow", "2026-11-23", "2026-11-23T09:30:00Z", "2026-11-23T09:30-05:00"] {
            assert_eq!(dicom_date_time(wrong), None, "{wrong}");
        }
        assert_eq!(today(17 * 3_600_000, &vietnam()), "19700102");
    }

    #[test]
    fn an_exams_time_on_the_wall_is_an_instant_with_the_walls_digits() {
        let at = |da, tm| wall_instant(da, tm, &vietnam());
        assert_eq!(at("20261123", "093000").as_deref(), Some("2026-11-23T09:30:00.000+07:00"));
        assert_eq!(at("", "093000"), None);
    }
}
