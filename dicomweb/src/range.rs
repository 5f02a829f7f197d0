//! Byte ranges of bulk data and frames (RFC 9110 14): one range is answered, several are not worth their multipart
//! and get the whole, which the specification leaves to the server.

use crate::validators::Validators;
use http::header::RANGE;
use http::{HeaderMap, Method};
use std::ops::Range;

/// What part of a representation is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: no range, one that cannot be read (it is then ignored), or several.
    Whole,
    /// These bytes; never empty and inside the representation.
    Part(Range<u64>),
    /// A range that begins behind the end: 416.
    Unsatisfiable,
}

/// Reads `Range` for a representation of `total` bytes. Only GET has ranges (RFC 9110 14.2), and `If-Range` with any
/// other validator makes the whole the answer.
pub fn wanted(method: &Method, headers: &HeaderMap, total: u64, validators: &Validators) -> Wanted {
    if method != Method::GET || !validators.range_applies(headers) {
        return Wanted::Whole;
    }
    let Some(text) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::Whole };
    parse(text, total).unwrap_or(Wanted::Whole)
}

fn parse(text: &str, total: u64) -> Option<Wanted> {
    let (unit, set) = text.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let set = set.trim();
    let (first, last) = set.split_once('-')?;
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => {
            let length = number(suffix)?;
            if length == 0 { total..total } else { total.saturating_sub(length)..total }
        }
        (first, "") => number(first)?..total,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(total)
        }
    };
    Some(if range.start < total { Wanted::Part(range) } else { Wanted::Unsatisfiable })
}

/// A number of digits alone; one too great to be held is as good as the greatest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_of_ten_bytes() {
        for (text, expected) in [
            ("bytes=0-", Some(Wanted::Part(0..10))),
            ("bytes=0-0", Some(Wanted::Part(0..1))),
            ("Bytes=3-5", Some(Wanted::Part(3..6))),
            ("bytes=3-99", Some(Wanted::Part(3..10))),
            ("bytes=-4", Some(Wanted::Part(6..10))),
            ("bytes=-99", Some(Wanted::Part(0..10))),
            ("bytes=9-18446744073709551615", Some(Wanted::Part(9..10))),
            ("bytes=9-99999999999999999999999", Some(Wanted::Part(9..10))),
            ("bytes=10-", Some(Wanted::Unsatisfiable)),
            ("bytes=-0", Some(Wanted::Unsatisfiable)),
            ("bytes=5-3", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=a-b", None),
            ("bytes=-", None),
            ("bytes=+1-2", None),
        ] {
            assert_eq!(parse(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_of_get_and_of_the_same_bytes() {
        let validators = Validators::strong("\"a\"".into());
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=1-2".parse().unwrap());
        assert_eq!(wanted(&Method::GET, &headers, 10, &validators), Wanted::Part(1..3));
        assert_eq!(wanted(&Method::HEAD, &headers, 10, &validators), Wanted::Whole);
        headers.insert(http::header::IF_RANGE, "\"b\"".parse().unwrap());
        assert_eq!(wanted(&Method::GET, &headers, 10, &validators), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn what_is_answered_lies_inside(text in "bytes=[0-9]{0,22}-[0-9]{0,22}", total in any::<u64>()) {
            if let Some(Wanted::Part(range)) = parse(&text, total) {
                prop_assert!(range.start < range.end && range.end <= total);
            }
        }
    }
}
