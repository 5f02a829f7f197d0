//! Places in the order of answers. What lies behind one stays the same while other studies arrive, which a number of
//! answers to leave out does not.

use std::fmt;

use super::plan::Cursor;

/// An answer to go on behind. Written as numbers parted by dots, to be handed out and taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub(super) newest_key: i64,
    pub(super) study: i64,
    /// Number and row of a series, at the series level and below.
    pub(super) series: Option<Numbered>,
    /// Number and row of an instance, at the instance level.
    pub(super) instance: Option<Numbered>,
}

/// The order of series in a study, and of instances in a series: their number, then their row.
pub(super) type Numbered = (Option<i64>, i64);

impl Position {
    /// Reads a position that [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let newest_key = parts.next()?.parse().ok()?;
        let study = parts.next()?.parse().ok()?;
        let mut numbered = || {
            let Some(number) = parts.next() else { return Some(None) };
            let number = if number == "-" { None } else { Some(number.parse().ok()?) };
            Some(Some((number, parts.next()?.parse().ok()?)))
        };
        let (series, instance) = (numbered()?, numbered()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self { newest_key, study, series, instance })
    }

    /// Whether it certainly comes behind the other one.
    pub fn is_behind(&self, other: &Self) -> bool {
        let study = |position: &Self| (position.newest_key, position.study);
        if study(self) != study(other) {
            return study(self) < study(other);
        }
        let below = if self.series == other.series {
            self.instance.zip(other.instance)
        } else {
            self.series.zip(other.series)
        };
        below.is_some_and(|((number, id), (other_number, other_id))| match (number, other_number) {
            // Of a number and none, the engines put another one first.
            (Some(number), Some(other_number)) => (number, id) > (other_number, other_id),
            (None, None) => id > other_id,
            _ => false,
        })
    }

    /// Where the walk over studies goes on: behind this one, or with it when there is more to read below it.
    pub(super) fn cursor(&self) -> Cursor {
        match self.series {
            None => (self.newest_key, self.study),
            Some(_) => (self.newest_key, self.study.saturating_add(1)),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.newest_key, self.study)?;
        for (number, id) in [self.series, self.instance].into_iter().flatten() {
            match number {
                Some(number) => write!(f, ".{number}.{id}")?,
                None => write!(f, ".-.{id}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_behind() {
        let behind = |one: &str, other: &str| {
            Position::parse(one).unwrap().is_behind(&Position::parse(other).unwrap())
        };
        for (first, second) in [
            ("5.1", "4.9"),
            ("5.2", "5.1"),
            ("5.2.1.9", "5.1.1.1"),
            ("5.1.1.9", "5.1.2.3"),
            ("5.1.-.3", "5.1.-.9"),
            ("5.1.1.3.8.9", "5.1.2.1.1.1"),
            ("5.1.1.3.1.9", "5.1.1.3.2.4"),
            ("5.1.1.3.-.4", "5.1.1.3.-.9"),
        ] {
            assert!(behind(second, first) && !behind(first, second), "{first} {second}");
        }
        for (one, other) in
            [("5.1", "5.1"), ("5.1.-.2", "5.1.1.3"), ("5.1.1.3.-.4", "5.1.1.3.1.4"), ("5.1", "5.1.1.3")]
        {
            assert!(!behind(one, other) && !behind(other, one), "{one} {other}");
        }
    }

    #[test]
    fn positions_read_back() {
        for text in ["20260101083000.7", "0.1.2.3", "0.1.-.2.-.3", "0.1.-2.4.-5.3"] {
            assert_eq!(Position::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "1",
            "1.",
            "a.b",
            "1.2.",
            "1.2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            "1.2.3.x",
            "1.2.3.4.5.6.7",
            "1.2.-",
        ] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}
