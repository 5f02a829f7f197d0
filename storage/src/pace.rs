//! Work that may only go on at a certain rate, or at certain hours: reading back what is kept, taking in an old
//! archive.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use pacs_core::clock;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How far work may be behind its rate, and then be faster to make up for it.
const BEHIND: Duration = Duration::from_secs(1);

/// A rate, and how far the work is. Cheap where there is no rate.
#[derive(Debug)]
pub struct Pace {
    per_second: Option<NonZeroU64>,
    /// When all that has passed was allowed to have passed.
    due: Instant,
}

impl Pace {
    /// As fast as it goes.
    pub fn free() -> Self {
        Self { per_second: None, due: Instant::now() }
    }

    /// So many bytes, files or whatever is counted in a second; zero is as fast as it goes.
    pub fn per_second(number: u64) -> Self {
        Self { per_second: NonZeroU64::new(number), due: Instant::now() }
    }

    /// Notes that so many have passed, and waits until the next may.
    pub async fn passed(&mut self, number: u64) {
        let Some(per_second) = self.per_second else { return };
        let now = Instant::now();
        let taken = Duration::from_secs_f64(number as f64 / per_second.get() as f64);
        let earliest = now.checked_sub(BEHIND).unwrap_or(now);
        self.due = self.due.max(earliest) + taken;
        tokio::time::sleep_until(self.due).await;
    }
}

/// Hours of each day, such as those of the night; `from` may be later than `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    from: Time,
    to: Time,
}

impl fmt::Display for Hours {
    /// As [`Hours::parse`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

impl Hours {
    /// Reads `18:00-06:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let hours = Self { from: time(from)?, to: time(to)? };
        (hours.from != hours.to).then_some(hours)
    }

    /// How long it is until they begin on a wall of `zone`; none while they last.
    pub fn wait(&self, now_ms: i64, zone: &TimeZone) -> Option<Duration> {
        let now = clock::local_date_time(now_ms, zone)?;
        let is_open = if self.from < self.to {
            (self.from..self.to).contains(&now.time())
        } else {
            now.time() >= self.from || now.time() < self.to
        };
        if is_open {
            return None;
        }
        let today = now.date().to_datetime(self.from);
        let next = if today > now { today } else { today.checked_add(1.day()).ok()? };
        let wait_ms = clock::instant_ms(next, zone)?.saturating_sub(now_ms);
        Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_go_over_midnight() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let at = |hour, minute| {
            clock::instant_ms(jiff::civil::date(2026, 3, 5).at(hour, minute, 0, 0), &zone).unwrap()
        };
        let hours = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        let night = Hours::parse("18:00-06:00").unwrap();
        for (now, want) in [
            (at(17, 30), hours(30)),
            (at(18, 0), None),
            (at(0, 0), None),
            (at(5, 59), None),
            (at(6, 0), hours(720)),
        ] {
            assert_eq!(night.wait(now, &zone), want);
        }
        let day = Hours::parse("08:00-09:30").unwrap();
        for (now, want) in [(at(7, 0), hours(60)), (at(9, 29), None), (at(9, 30), hours(22 * 60 + 30))] {
            assert_eq!(day.wait(now, &zone), want);
        }
        for wrong in ["", "18:00", "18-06", "25:00-06:00", "06:00-06:00"] {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn work_takes_as_long_as_its_rate_says() {
        let begun = Instant::now();
        let mut pace = Pace::per_second(10_000);
        for _ in 0..10 {
            pace.passed(50).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(49), "{:?}", begun.elapsed());
        let mut free = Pace::free();
        free.passed(u64::MAX).await;
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
