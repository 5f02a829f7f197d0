//! Places in the order of answers. What lies behind one stays the same while other studies arrive, which a number of
//! answers to leave out does not.

use std::fmt;

use pacs_core::query::Level;

use super::plan::Cursor;
use crate::Result;
use crate::database::Row;

/// An answer to go on behind. Written as numbers parted by dots, to be handed out and taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    newest_key: i64,
    study: i64,
    /// At the series level and below.
    series: Option<i64>,
    /// Number and row of an instance, at the instance level.
    instance: Option<Passed>,
}

/// The order of instances in a series: their number, then their row.
pub(super) type Passed = (Option<i64>, i64);

impl Position {
    /// Reads a position that [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let newest_key = parts.next()?.parse().ok()?;
        let study = parts.next()?.parse().ok()?;
        let series = parts.next().map(str::parse).transpose().ok()?;
        let number = parts.next().map(|part| if part == "-" { Ok(None) } else { part.parse().map(Some) });
        let instance = match number.transpose().ok()? {
            Some(number) => Some((number, parts.next()?.parse().ok()?)),
            None => None,
        };
        if parts.next().is_some() {
            return None;
        }
        Some(Self { newest_key, study, series, instance })
    }

    /// The position of a row of the walk at `level`, whose first columns are the study and its key.
    pub(super) fn of(row: &Row, level: Level) -> Result<Self> {
        let mut position = Self { newest_key: row.at(1)?, study: row.at(0)?, series: None, instance: None };
        if level >= Level::Series {
            position.series = Some(row.get("walk_series")?);
        }
        if level >= Level::Instance {
            position.instance = Some((row.get("walk_number")?, row.get("walk_instance")?));
        }
        Ok(position)
    }

    /// Whether it certainly comes behind the other one. Between series of one study nothing here tells.
    pub fn is_behind(&self, other: &Self) -> bool {
        let study = |position: &Self| (position.newest_key, position.study);
        if study(self) != study(other) {
            return study(self) < study(other);
        }
        match (self.instance, other.instance) {
            (Some((number, id)), Some((other_number, other_id))) if self.series == other.series => {
                match (number, other_number) {
                    // Of a number and none, the engines put another one first.
                    (Some(number), Some(other_number)) => (number, id) > (other_number, other_id),
                    (None, None) => id > other_id,
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Where the walk over studies goes on: behind this one, or with it when there is more to read below it.
    pub(super) fn cursor(&self) -> Cursor {
        match self.series {
            None => (self.newest_key, self.study),
            Some(_) => (self.newest_key, self.study.saturating_add(1)),
        }
    }

    pub(super) fn series(&self) -> Option<i64> {
        self.series
    }

    pub(super) fn instance(&self) -> Option<Passed> {
        self.instance
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.newest_key, self.study)?;
        if let Some(series) = self.series {
            write!(f, ".{series}")?;
        }
        match self.instance {
            Some((Some(number), id)) => write!(f, ".{number}.{id}"),
            Some((None, id)) => write!(f, ".-.{id}"),
            None => Ok(()),
        }
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
            ("5.2.9", "5.1.1"),
            ("5.1.3.1.9", "5.1.3.2.4"),
            ("5.1.3.-.4", "5.1.3.-.9"),
        ] {
            assert!(behind(second, first) && !behind(first, second), "{first} {second}");
        }
        for (one, other) in [("5.1", "5.1"), ("5.1.2", "5.1.3"), ("5.1.3.-.4", "5.1.3.1.4")] {
            assert!(!behind(one, other) && !behind(other, one), "{one} {other}");
        }
    }

    #[test]
    fn positions_read_back() {
        for text in ["20260101083000.7", "0.1.2", "0.1.2.-.3", "0.1.2.-5.3"] {
            assert_eq!(Position::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "1", "1.", "a.b", "1.2.", "1.2.3.4", "1.2.3.4.", "1.2.3.x.4", "1.2.3.4.5.6", "1.2.3.-"]
        {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}
