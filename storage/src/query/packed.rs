//! The columns of an answer as one value of its row, a JSON array that the engine writes. SQLite copies each value that
//! it hands over, and of a row of twenty columns that took longer than to find it.

use std::borrow::Cow;

use super::answer::Held;
use crate::database::Engine;
use crate::{Error, Result};

/// What selects these columns as one.
pub(super) fn column(engine: Engine, columns: &[String]) -> String {
    let columns = columns.join(", ");
    match engine {
        Engine::Sqlite => format!("json_array({columns})"),
        Engine::Postgres => format!("cast(json_build_array({columns}) as text)"),
    }
}

/// The values of one row.
#[derive(Debug)]
pub(super) struct Packed {
    json: Box<str>,
    /// Where each value begins and ends in it, texts with their quotes.
    values: Box<[(u32, u32)]>,
}

impl Packed {
    /// Takes apart what [`column`] selected.
    pub fn read(json: &str, count: usize) -> Result<Self> {
        let mut values = Vec::with_capacity(count);
        let mut rest = json.strip_prefix('[').filter(|rest| *rest != "]").unwrap_or_default();
        while !rest.is_empty() {
            rest = rest.trim_start_matches([' ', ',']);
            let begin = json.len() - rest.len();
            let length = if rest.starts_with('"') { text_bytes(rest) } else { rest.find([',', ']']) };
            let Some(length) = length else { break };
            let end = begin + length;
            values.push((u32::try_from(begin).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX)));
            rest = rest.get(length..).filter(|rest| *rest != "]").unwrap_or_default();
        }
        if values.len() != count {
            return Err(Error::Corrupt(format!("a row of {count} values has {}", values.len())));
        }
        Ok(Self { json: json.into(), values: values.into() })
    }

    /// The value of a column, by its place among them.
    pub fn at(&self, index: usize) -> Result<Held<'_>> {
        let value = self.values.get(index).and_then(|(begin, end)| {
            self.json.get(usize::try_from(*begin).ok()?..usize::try_from(*end).ok()?)
        });
        let corrupt = || Error::Corrupt(format!("value {index} of a row"));
        let value = value.ok_or_else(corrupt)?;
        if value == "null" {
            return Ok(Held::Nothing);
        }
        let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return value.parse().map(Held::Number).map_err(|_| corrupt());
        };
        Ok(Held::Text(match text.contains('\\') {
            false => Cow::Borrowed(text),
            true => Cow::Owned(serde_json::from_str(value).map_err(|_| corrupt())?),
        }))
    }
}

/// Bytes of the text that JSON begins with, its quotes included; `None` when it does not end.
fn text_bytes(json: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_as_they_were_packed() {
        let json = r#"["Nguyễn^Văn A", null, 12,"","a\"b\\c\u001f",-7,"\\CT\\SR\\", "],["]"#;
        let packed = Packed::read(json, 8).unwrap();
        let texts = |index| match packed.at(index).unwrap() {
            Held::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        };
        let all: Vec<_> = (0..8).map(texts).collect();
        let expected =
            ["Nguyễn^Văn A", "Nothing", "Number(12)", "", "a\"b\\c\u{1f}", "Number(-7)", "\\CT\\SR\\", "],["];
        assert_eq!(all, expected);
        assert!(packed.at(8).is_err());
    }

    #[test]
    fn what_is_no_array_of_so_many_is_corrupt() {
        for (json, count) in [("", 1), ("[]", 1), ("[1,2]", 1), ("[\"a", 1), ("1", 1), ("[1", 1)] {
            assert!(Packed::read(json, count).is_err(), "{json}");
        }
        assert!(Packed::read("[1]", 1).is_ok() && Packed::read("[]", 0).is_ok());
    }
}
