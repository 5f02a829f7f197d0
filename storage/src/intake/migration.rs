//! What a migration from another PACS has to know.

use std::fmt;

use jiff::civil::Date;
use pacs_core::uid::AeTitle;
use serde::{Deserialize, Serialize};

use super::Intake;
use crate::pace::Hours;

/// From where: the `source` of the intake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// AE title of a configured device with an address.
    pub ae_title: AeTitle,
}

impl Source {
    /// That of an intake; fails when another version of the program has written it.
    pub fn of(intake: &Intake) -> serde_json::Result<Self> {
        serde_json::from_value(intake.source.clone())
    }
}

/// How: its `settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The oldest study date that is asked for.
    pub from: Day,
    /// The newest: it goes backward.
    pub until: Day,
    /// Whether studies of older dates are taken at the end, since nobody has named the oldest; else they are listed.
    #[serde(default)]
    pub takes_older: bool,
    /// The same of newer dates, as devices give them whose clock is wrong.
    #[serde(default)]
    pub takes_newer: bool,
    /// At most so many bytes a second; 0: as fast as they come.
    pub bytes_per_second: u64,
    /// At which hours; `None`: at all.
    pub hours: Option<Hours>,
}

impl Settings {
    /// Those of an intake; fails when another version of the program has written them.
    pub fn of(intake: &Intake) -> serde_json::Result<Self> {
        serde_json::from_value(intake.settings.clone())
    }
}

/// A study date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(Date);

impl Day {
    /// Reads `yyyymmdd` or `yyyy-mm-dd`, and `yyyy.mm.dd` as objects from before DICOM have it (PS3.5 6.2).
    pub fn parse(text: &str) -> Option<Self> {
        let read = |form| Date::strptime(form, text).ok().map(Self);
        ["%Y%m%d", "%Y-%m-%d", "%Y.%m.%d"].into_iter().find_map(read)
    }

    /// The day of an instant on a wall of `zone`.
    pub fn of(ms: i64, zone: &jiff::tz::TimeZone) -> Option<Self> {
        pacs_core::clock::local_date_time(ms, zone).map(|at| Self(at.date()))
    }

    /// The day before.
    pub fn before(self) -> Option<Self> {
        self.0.yesterday().ok().map(Self)
    }
}

impl fmt::Display for Day {
    /// As DICOM has it: `yyyymmdd`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y%m%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_backward_as_dicom_writes_them() {
        let day = Day::parse("2026-03-01").unwrap();
        assert_eq!(day.before().unwrap().to_string(), "20260228");
        assert_eq!(Day::parse("20260301"), Some(day));
        assert_eq!(Day::parse("2026.03.01"), Some(day));
        assert_eq!(Day::parse("00000000"), None);
        assert_eq!(Day::parse("20261301"), None);
    }
}
