//! Time, handed in: the one place that reads the machine's clock.
//!
//! System times are UTC milliseconds. Dates and times of DICOM objects are not system times; they
//! stay as sent and are read in the object's or the facility's zone (see [`crate::date_time`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A source of the present time. Cheap to clone; tests hold one that stands still until told.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `now_ms` until [`Clock::set_ms`] moves it.
    pub fn standing_at(now_ms: i64) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(now_ms))))
    }

    /// Moves a standing clock; every clone of it moves along. The system clock does not move.
    pub fn set_ms(&self, now_ms: i64) {
        if let Source::Set(at) = &self.0 {
            at.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => Timestamp::now().as_millisecond(),
            Source::Set(at) => at.load(Ordering::SeqCst),
        }
    }
}

/// The civil date and time that a clock on the wall of `zone` shows at `ms`; `None` when `ms` lies
/// outside the years that a calendar can name.
pub fn local_date_time(ms: i64, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_millisecond(ms).ok()?))
}

/// The instant, in UTC milliseconds, at which a clock on the wall of `zone` shows `at`.
pub fn instant_ms(at: DateTime, zone: &TimeZone) -> Option<i64> {
    Some(zone.to_ambiguous_zoned(at).compatible().ok()?.timestamp().as_millisecond())
}

/// `ms` as RFC 3339 in UTC with milliseconds, for whoever runs the server.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// `ms` as RFC 3339 with milliseconds on the wall of `zone`, as JSON answers carry it: an instant
/// whose digits are those that people there see.
pub fn rfc3339_on(ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(ms).map(|at| at.to_zoned(zone.clone()));
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_told() {
        let clock = Clock::standing_at(5);
        let seen_elsewhere = clock.clone();
        assert_eq!(seen_elsewhere.now_ms(), 5);
        clock.set_ms(9);
        assert_eq!(seen_elsewhere.now_ms(), 9);
    }

    #[test]
    fn wall_time_and_instants_agree() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let at = local_date_time(0, &zone).unwrap();
        assert_eq!(at.to_string(), "1970-01-01T07:00:00");
        assert_eq!(instant_ms(at, &zone), Some(0));
        assert_eq!(rfc3339(1), "1970-01-01T00:00:00.001Z");
        assert_eq!(rfc3339_on(1, &zone), "1970-01-01T07:00:00.001+07:00");
    }
}
