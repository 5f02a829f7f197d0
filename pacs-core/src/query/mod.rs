//! One query language for every door.
//!
//! C-FIND identifiers, QIDO-RS parameters, FHIR searches and the pages' filters all become a
//! [`Query`]; `storage::query` turns it into SQL. How a key is matched follows from its value
//! representation (PS3.4 C.2.2.2), and [`Query::add`] is the one place that decides it.

mod names;

use crate::uid::Uid;
use crate::{Tag, VR, tags};

pub use names::NamePattern;
pub(crate) use names::matches_wildcards;

/// The level of the information model that is asked for (PS3.4 C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// One answer a patient.
    Patient,
    /// One answer a study.
    Study,
    /// One answer a series.
    Series,
    /// One answer a SOP instance; the word of (0008,0052) is `IMAGE`.
    Instance,
}

impl Level {
    /// The level of a Query/Retrieve Level (0008,0052) value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "PATIENT" => Some(Self::Patient),
            "STUDY" => Some(Self::Study),
            "SERIES" => Some(Self::Series),
            "IMAGE" => Some(Self::Instance),
            _ => None,
        }
    }

    /// The value of Query/Retrieve Level (0008,0052).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Instance => "IMAGE",
        }
    }
}

/// What is asked: newest first, everything that fulfils all filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What one answer is.
    pub level: Level,
    /// All of these have to be fulfilled.
    pub filters: Vec<Filter>,
    /// Which attributes an answer carries.
    pub returns: Returns,
    /// At most so many answers.
    pub limit: Option<u32>,
    /// So many of the first answers are left out.
    pub offset: u32,
    /// Whether the words of a name may be beginnings of words (QIDO-RS `fuzzymatching`).
    pub fuzzy: bool,
}

/// One key with the way it is matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The attribute; more than one tag leads through sequences.
    pub path: Vec<Tag>,
    /// How its value has to be.
    pub matching: Matching,
}

/// How a value has to be (PS3.4 C.2.2.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Matching {
    /// Equal, letter by letter.
    Single(String),
    /// `*` stands for any run of characters, `?` for one.
    Wildcard(String),
    /// One of these.
    Uids(Vec<Uid>),
    /// One of these: a code string key with several values, each to be equal or with wildcards.
    AnyOf(Vec<Matching>),
    /// A date, time or date-time within bounds, both included. At least one bound is there.
    Range {
        /// Not before.
        from: Option<String>,
        /// Not after.
        to: Option<String>,
    },
    /// A date within bounds, both included, that are told to the time: the time attribute beside the date counts on the
    /// first day and on the last. At least one bound is there; its time may be the beginning of one, or empty.
    Period {
        /// Not before this date and time.
        from: Option<(String, String)>,
        /// Not after this date and time, nor after all times that begin so.
        to: Option<(String, String)>,
    },
    /// A person name, compared without case, marks, component order or normal form.
    Name(NamePattern),
    /// Absent or without a value (PS3.4 C.2.2.2.7).
    Empty,
}

/// Which attributes an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Returns {
    /// These, beside the unique keys of the level and those above it.
    Tags(Vec<Vec<Tag>>),
    /// All that rows hold.
    All,
}

/// A key whose value cannot be matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Not a UID, or an empty list of them.
    #[error("the value of {0} is not a list of UIDs")]
    BadUid(Tag),
    /// Not a date, time or date-time, or not a range of them.
    #[error("the value of {0} is not a {1} or a range of them")]
    BadRange(Tag, &'static str),
    /// Not a whole number.
    #[error("the value of {0} is not a number")]
    BadNumber(Tag),
    /// Longer than any attribute can be.
    #[error("the value of {0} is too long")]
    TooLong(Tag),
}

/// What asks for Empty Value Matching: two quotation marks (PS3.4 C.2.2.2.7).
pub const NO_VALUE: &str = "\"\"";

impl Query {
    /// The longest key value that is looked at, in bytes. Lists of UIDs have their own bound.
    pub const MAX_VALUE_BYTES: usize = 1024;
    /// The most UIDs in one list.
    pub const MAX_UIDS: usize = 1000;

    /// A query for everything at a level, with the attributes that every answer has.
    pub fn new(level: Level) -> Self {
        Self {
            level,
            filters: Vec::new(),
            returns: Returns::Tags(Vec::new()),
            limit: None,
            offset: 0,
            fuzzy: false,
        }
    }

    /// Adds a key. An empty value, or one of nothing but `*`, is universal matching: the attribute
    /// is returned and matches everything. Several UIDs or code strings are parted by backslashes or
    /// commas, which neither can hold, and are alternatives.
    pub fn add(&mut self, path: &[Tag], vr: VR, value: &str) -> Result<(), QueryError> {
        self.add_return(path);
        let Some(&tag) = path.last() else { return Ok(()) };
        if let Some(matching) = matching(tag, vr, value)? {
            self.filters.push(Filter { path: path.to_vec(), matching });
        }
        Ok(())
    }

    /// Adds a key of which the attribute has to have all values, where it can have several (PS3.4 C.2.2.2.8); else as
    /// [`Query::add`].
    pub fn add_all(&mut self, path: &[Tag], vr: VR, value: &str) -> Result<(), QueryError> {
        if !path.last().is_some_and(|tag| OF_SEVERAL_VALUES.contains(tag)) {
            return self.add(path, vr, value);
        }
        value.split('\\').try_for_each(|value| self.add(path, vr, value))
    }

    /// Adds a key that matches where the attribute has no value (PS3.4 C.2.2.2.7).
    pub fn add_empty(&mut self, path: &[Tag]) {
        self.add_return(path);
        self.filters.push(Filter { path: path.to_vec(), matching: Matching::Empty });
    }

    fn add_return(&mut self, path: &[Tag]) {
        if let Returns::Tags(tags) = &mut self.returns
            && !tags.iter().any(|tag| tag == path)
        {
            tags.push(path.to_vec());
        }
    }

    /// Takes the ranges of a date and of the time beside it for the ends of one period (PS3.4 C.2.2.2.5, and table
    /// K.6-1 for worklists): `20260705-20260707` with `1000-1800` is from ten o'clock of the fifth to six of the
    /// seventh.
    pub fn combine_periods(&mut self) {
        for (date, time) in MOMENTS {
            let is = |filter: &Filter, tag| {
                filter.path.last() == Some(&tag) && matches!(filter.matching, Matching::Range { .. })
            };
            let Some(of_date) = self.filters.iter().position(|filter| is(filter, date)) else { continue };
            let around = |filter: &Filter| filter.path.split_last().map(|(_, around)| around.to_vec());
            let place = self.filters.get(of_date).and_then(around);
            let of_time = self.filters.iter().position(|filter| is(filter, time) && around(filter) == place);
            let Some(of_time) = of_time else { continue };
            let Matching::Range { from: from_time, to: to_time } = self.filters.remove(of_time).matching
            else {
                continue;
            };
            let of_date = if of_time < of_date { of_date - 1 } else { of_date };
            let Some(filter) = self.filters.get_mut(of_date) else { continue };
            if let Matching::Range { from, to } = &mut filter.matching {
                filter.matching = Matching::Period {
                    from: from.take().map(|date| (date, from_time.unwrap_or_default())),
                    to: to.take().map(|date| (date, to_time.unwrap_or_default())),
                };
            }
        }
    }

    /// The filter on a top-level attribute, if there is one.
    pub fn filter(&self, tag: Tag) -> Option<&Matching> {
        self.filters.iter().find(|filter| filter.path == [tag]).map(|filter| &filter.matching)
    }
}

/// Dates with the times that stand beside them.
const MOMENTS: [(Tag, Tag); 4] = [
    (tags::STUDY_DATE, tags::STUDY_TIME),
    (tags::SERIES_DATE, tags::SERIES_TIME),
    (tags::PERFORMED_PROCEDURE_STEP_START_DATE, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
    (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, tags::SCHEDULED_PROCEDURE_STEP_START_TIME),
];

/// What Multiple Value Matching is of (PS3.4 C.2.2.2.8): attributes of VR AE, AS, AT, CS, LO, PN, SH or UC that can
/// have several values. Of those that studies, series and instances are looked for by, PS3.6 gives a multiplicity above
/// 1 to this one; of others, a key with several values means what it means without negotiation.
const OF_SEVERAL_VALUES: &[Tag] = &[tags::MODALITIES_IN_STUDY];

/// How a value of that representation is matched; `None` is universal matching.
fn matching(tag: Tag, vr: VR, value: &str) -> Result<Option<Matching>, QueryError> {
    let value = value.trim_matches([' ', '\0']);
    if value.is_empty() || value.bytes().all(|b| b == b'*') {
        return Ok(None);
    }
    if vr != VR::UI && value.len() > Query::MAX_VALUE_BYTES {
        return Err(QueryError::TooLong(tag));
    }
    Ok(Some(match vr {
        VR::UI => uid_list(tag, value)?,
        VR::DA => range(value, normal_date).ok_or(QueryError::BadRange(tag, "date"))?,
        VR::TM => range(value, normal_time).ok_or(QueryError::BadRange(tag, "time"))?,
        VR::DT => range(value, normal_date_time).ok_or(QueryError::BadRange(tag, "date-time"))?,
        VR::IS | VR::US | VR::SS | VR::UL | VR::SL => {
            let number: i64 = value.parse().map_err(|_| QueryError::BadNumber(tag))?;
            Matching::Single(number.to_string())
        }
        VR::PN => Matching::Name(NamePattern::new(value)),
        VR::CS => return Ok(code_strings(value)),
        _ if takes_wildcards(vr) => single_or_wildcard(value),
        _ => Matching::Single(value.to_owned()),
    }))
}

fn single_or_wildcard(value: &str) -> Matching {
    let text = value.to_owned();
    if text.contains(['*', '?']) { Matching::Wildcard(text) } else { Matching::Single(text) }
}

/// The alternatives that a code string key names; a value of nothing but `*` among them is every
/// value. The standard asks for one value, and archives in the field answer several.
fn code_strings(value: &str) -> Option<Matching> {
    let parts = value.split(['\\', ',']).map(str::trim).filter(|part| !part.is_empty());
    let mut alternatives = Vec::new();
    for part in parts {
        if part.bytes().all(|b| b == b'*') {
            return None;
        }
        alternatives.push(single_or_wildcard(part));
    }
    if alternatives.len() > 1 { Some(Matching::AnyOf(alternatives)) } else { alternatives.pop() }
}

/// PS3.4 C.2.2.2.4: the string representations, without numbers, dates and UIDs. Code strings take
/// them too, and are read apart.
fn takes_wildcards(vr: VR) -> bool {
    matches!(vr, VR::AE | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT)
}

fn uid_list(tag: Tag, value: &str) -> Result<Matching, QueryError> {
    let mut uids = Vec::new();
    for part in value.split(['\\', ',']) {
        if uids.len() == Query::MAX_UIDS {
            return Err(QueryError::TooLong(tag));
        }
        uids.push(Uid::parse(part).map_err(|_| QueryError::BadUid(tag))?);
    }
    Ok(Matching::Uids(uids))
}

/// A single value or a range `a-b`, `a-`, `-b`, each end brought to its normal form.
fn range(value: &str, normal: fn(&str) -> Option<String>) -> Option<Matching> {
    if let Some(single) = normal(value) {
        return Some(Matching::Single(single));
    }
    // A date-time may hold a hyphen as the sign of its offset, so every hyphen is tried.
    value.match_indices('-').find_map(|(at, _)| {
        let (from, to) = (value.get(..at)?.trim(), value.get(at + 1..)?.trim());
        let end = |text: &str| if text.is_empty() { Some(None) } else { normal(text).map(Some) };
        match (end(from)?, end(to)?) {
            (None, None) => None,
            (from, to) => Some(Matching::Range { from, to }),
        }
    })
}

/// `YYYYMMDD`, also as `YYYY.MM.DD` (ACR-NEMA) and `YYYY-MM-DD`, which the field sends too.
fn normal_date(text: &str) -> Option<String> {
    let digits = match text.as_bytes() {
        [_, _, _, _, b'.', _, _, b'.', _, _] => text.replace('.', ""),
        [_, _, _, _, b'-', _, _, b'-', _, _] => text.replace('-', ""),
        _ => text.to_owned(),
    };
    let month = digits.get(4..6).and_then(|m| m.parse::<u8>().ok());
    let day = digits.get(6..8).and_then(|d| d.parse::<u8>().ok());
    let plausible = matches!((month, day), (Some(1..=12), Some(1..=31)));
    (digits.len() == 8 && all_digits(&digits) && plausible).then_some(digits)
}

/// `HH[MM[SS[.F…]]]`, also with colons. A shorter time stands for the whole hour or minute, which
/// the comparison of texts gives for the lower bound; `storage` completes the upper one.
fn normal_time(text: &str) -> Option<String> {
    let plain = text.replace(':', "");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let fits = matches!(whole.len(), 2 | 4 | 6)
        && all_digits(whole)
        && fraction.len() <= 6
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && (fraction.is_empty() || whole.len() == 6);
    fits.then(|| plain.clone())
}

/// `YYYY[MM[DD[HH[MM[SS[.F…]]]]]][+ZZXX]`; the offset is kept as sent.
fn normal_date_time(text: &str) -> Option<String> {
    let (clock, offset) = match text.len().checked_sub(5).and_then(|at| text.split_at_checked(at)) {
        Some((clock, offset)) if offset.starts_with(['+', '-']) => (clock, offset.get(1..)?),
        _ => (text, ""),
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let fits = matches!(whole.len(), 4 | 6 | 8 | 10 | 12 | 14)
        && all_digits(whole)
        && fraction.bytes().all(|b| b.is_ascii_digit())
        // `2026-2027` is a range of years, and `20260102-2027` one that ends with a year.
        && (offset.is_empty() || (whole.len() >= 8 && is_offset(offset)));
    fits.then(|| text.to_owned())
}

/// Whether the digits after the sign are an offset from UTC that a zone can have, -1200 to +1400.
fn is_offset(digits: &str) -> bool {
    let hours = digits.get(..2).filter(|hours| all_digits(hours)).and_then(|hours| hours.parse::<u8>().ok());
    let minutes = digits.get(2..).filter(|rest| all_digits(rest)).and_then(|rest| rest.parse::<u8>().ok());
    matches!((hours, minutes), (Some(0..=14), Some(0..=59)))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(tag: Tag, vr: VR, value: &str) -> Option<Matching> {
        let mut query = Query::new(Level::Study);
        query.add(&[tag], vr, value).unwrap();
        assert_eq!(query.returns, Returns::Tags(vec![vec![tag]]), "a key is also a return key");
        query.filters.pop().map(|filter| filter.matching)
    }

    fn between(from: &str, to: &str) -> Option<Matching> {
        let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Matching::Range { from: end(from), to: end(to) })
    }

    #[test]
    fn the_representation_decides_the_matching() {
        let single = |text: &str| Some(Matching::Single(text.into()));
        for (tag, vr, value, want) in [
            (tags::PATIENT_ID, VR::LO, "", None),
            (tags::PATIENT_ID, VR::LO, "**", None),
            (tags::PATIENT_ID, VR::LO, " 12 ", single("12")),
            (tags::PATIENT_ID, VR::LO, "12*", Some(Matching::Wildcard("12*".into()))),
            (tags::STUDY_DATE, VR::DA, "20260102", single("20260102")),
            (tags::STUDY_DATE, VR::DA, "2026-01-02", single("20260102")),
            (tags::STUDY_DATE, VR::DA, "20260102-", between("20260102", "")),
            (tags::STUDY_DATE, VR::DA, "-20260102", between("", "20260102")),
            (tags::STUDY_DATE, VR::DA, "20260101-20260102", between("20260101", "20260102")),
            (tags::STUDY_TIME, VR::TM, "08:30-0900", between("0830", "0900")),
            (tags::ACQUISITION_DATE_TIME, VR::DT, "20260101-0700", single("20260101-0700")),
            (tags::ACQUISITION_DATE_TIME, VR::DT, "2026-2027", between("2026", "2027")),
            (tags::ACQUISITION_DATE_TIME, VR::DT, "20260102-2027", between("20260102", "2027")),
            (tags::ACQUISITION_DATE_TIME, VR::DT, "20260102+0700-", between("20260102+0700", "")),
            (tags::ACQUISITION_DATE_TIME, VR::DT, "20260101-20260102", between("20260101", "20260102")),
            (tags::SERIES_NUMBER, VR::IS, " 07 ", single("7")),
            (tags::ROWS, VR::US, "*", None),
        ] {
            assert_eq!(matched(tag, vr, value), want, "{tag} {value:?}");
        }
    }

    #[test]
    fn ranges_of_date_and_time_become_a_period() {
        let combined = |date: &str, time: &str| {
            let mut query = Query::new(Level::Study);
            query.add(&[tags::STUDY_TIME], VR::TM, time).unwrap();
            query.add(&[tags::PATIENT_ID], VR::LO, "1").unwrap();
            query.add(&[tags::STUDY_DATE], VR::DA, date).unwrap();
            query.combine_periods();
            query.filters.iter().map(|filter| filter.matching.clone()).collect::<Vec<_>>()
        };
        let end = |date: &str, time: &str| (!date.is_empty()).then(|| (date.to_owned(), time.to_owned()));
        let period = |from, to| vec![Matching::Single("1".into()), Matching::Period { from, to }];
        let both = combined("20260705-20260707", "1000-1800");
        assert_eq!(both, period(end("20260705", "1000"), end("20260707", "1800")));
        assert_eq!(combined("20260705-", "1000-"), period(end("20260705", "1000"), None));
        assert_eq!(combined("-20260707", "1000-"), period(None, end("20260707", "")));
        for (date, time) in [("20260705", "1000-1800"), ("20260705-20260707", "1000"), ("20260705-", "")] {
            let apart = combined(date, time);
            assert!(apart.iter().all(|matching| !matches!(matching, Matching::Period { .. })), "{apart:?}");
        }
    }

    #[test]
    fn uid_lists_take_backslash_and_comma() {
        let uids =
            |list: &[&str]| Some(Matching::Uids(list.iter().map(|uid| Uid::parse(uid).unwrap()).collect()));
        assert_eq!(matched(tags::STUDY_INSTANCE_UID, VR::UI, "1.2"), uids(&["1.2"]));
        assert_eq!(matched(tags::STUDY_INSTANCE_UID, VR::UI, "1.2\\1.3,1.4"), uids(&["1.2", "1.3", "1.4"]));
    }

    #[test]
    fn several_code_strings_are_alternatives() {
        let single = |text: &str| Matching::Single(text.into());
        let wildcard = |text: &str| Matching::Wildcard(text.into());
        for (value, want) in [
            ("CT", Some(single("CT"))),
            ("C?", Some(wildcard("C?"))),
            ("CT\\MR", Some(Matching::AnyOf(vec![single("CT"), single("MR")]))),
            ("CT, M*", Some(Matching::AnyOf(vec![single("CT"), wildcard("M*")]))),
            ("CT\\", Some(single("CT"))),
            ("CT\\*", None),
            ("\\", None),
        ] {
            assert_eq!(matched(tags::MODALITY, VR::CS, value), want, "{value:?}");
        }
        assert_eq!(matched(tags::PATIENT_ID, VR::LO, "1,2"), Some(single("1,2")), "text may hold commas");
    }

    #[test]
    fn values_that_cannot_be_matched_are_said() {
        let mut query = Query::new(Level::Study);
        for (tag, vr, value) in [
            (tags::STUDY_DATE, VR::DA, "yesterday"),
            (tags::STUDY_DATE, VR::DA, "20261301"),
            (tags::STUDY_DATE, VR::DA, "-"),
            (tags::STUDY_TIME, VR::TM, "8"),
            (tags::STUDY_INSTANCE_UID, VR::UI, "1.2\\x"),
            (tags::STUDY_INSTANCE_UID, VR::UI, "../etc"),
            (tags::SERIES_NUMBER, VR::IS, "1*"),
            (tags::ROWS, VR::US, "many"),
        ] {
            assert!(query.add(&[tag], vr, value).is_err(), "{tag} {value:?}");
        }
        assert!(query.filters.is_empty());
    }
}
