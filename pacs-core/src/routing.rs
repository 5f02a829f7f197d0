//! Routes: which images go to which device by themselves.

use serde::{Deserialize, Serialize};

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// What a series has to be for a route to mean it. A condition without values holds always; values are
/// compared without case and blanks around them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// AE titles, one of which sent it.
    pub calling_ae: Vec<String>,
    /// Modality (0008,0060).
    pub modality: Vec<String>,
    /// Body Part Examined (0018,0015).
    pub body_part: Vec<String>,
    /// Code of the facility that made it.
    pub facility: Vec<String>,
    /// When it came, on the wall of that facility.
    pub hours: Option<Hours>,
}

/// A time of day, from a minute of the day on and before another; over midnight when it begins later than it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The first minute.
    pub from: u16,
    /// The minute behind the last.
    pub to: u16,
}

/// A series that has come.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// Who sent it.
    pub calling_ae: Option<&'a str>,
    /// Its modality.
    pub modality: Option<&'a str>,
    /// Its body part.
    pub body_part: Option<&'a str>,
    /// Whose it is.
    pub facility: &'a str,
    /// The minute of the day on the facility's wall.
    pub minute: u16,
}

impl Conditions {
    /// Whether a series fulfils all of them.
    pub fn hold(&self, series: &Arrived<'_>) -> bool {
        let one_of = |wanted: &[String], value: Option<&str>| {
            let same =
                |wanted: &String| value.is_some_and(|value| wanted.trim().eq_ignore_ascii_case(value.trim()));
            wanted.is_empty() || wanted.iter().any(same)
        };
        one_of(&self.calling_ae, series.calling_ae)
            && one_of(&self.modality, series.modality)
            && one_of(&self.body_part, series.body_part)
            && one_of(&self.facility, Some(series.facility))
            && self.hours.is_none_or(|hours| hours.hold(series.minute))
    }
}

impl Hours {
    /// The hours of a text such as `18:00-06:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let minute = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let minute = hours.checked_mul(60)?.checked_add(minutes)?;
            (minutes < 60 && minute <= DAY_MINUTES).then_some(minute)
        };
        let hours = Self { from: minute(from)?, to: minute(to)? };
        (hours.from < DAY_MINUTES && hours.from != hours.to).then_some(hours)
    }

    fn hold(self, minute: u16) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIES: Arrived<'static> = Arrived {
        calling_ae: Some("CT1"),
        modality: Some("CT"),
        body_part: Some("CHEST"),
        facility: "BVTW",
        minute: 8 * 60,
    };

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn every_condition_has_to_hold_and_an_absent_one_does() {
        let none = Conditions::default();
        assert!(none.hold(&SERIES));
        let all = Conditions {
            calling_ae: list(&["MR1", "CT1"]),
            modality: list(&["ct"]),
            body_part: list(&["Chest "]),
            facility: list(&["BVTW"]),
            hours: Hours::parse("07:00-17:00"),
        };
        assert!(all.hold(&SERIES));
        for other in [
            Arrived { calling_ae: Some("CT2"), ..SERIES },
            Arrived { calling_ae: None, ..SERIES },
            Arrived { modality: Some("MR"), ..SERIES },
            Arrived { body_part: None, ..SERIES },
            Arrived { facility: "BVTL", ..SERIES },
            Arrived { minute: 17 * 60, ..SERIES },
        ] {
            assert!(!all.hold(&other), "{other:?}");
            assert!(none.hold(&other));
        }
    }

    #[test]
    fn hours_may_reach_over_midnight() {
        let night = Hours::parse(" 18:00 - 06:00 ").unwrap();
        assert_eq!(night.to_string(), "18:00-06:00");
        for (minute, holds) in
            [(18 * 60 - 1, false), (18 * 60, true), (0, true), (6 * 60 - 1, true), (6 * 60, false)]
        {
            assert_eq!(night.hold(minute), holds, "{minute}");
        }
        assert!(Hours::parse("00:00-24:00").unwrap().hold(23 * 60 + 59));
        for text in ["", "7-8", "07:00", "07:60-08:00", "24:00-08:00", "25:00-26:00", "08:00-08:00"] {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
    }
}
