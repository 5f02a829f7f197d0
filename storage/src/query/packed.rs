//! The rows of a page as one value: a line for each, all written by the engine. A line is a JSON array of columns, and
//! behind it what is JSON already, as it lies there, with tabs between. SQLite copies each value that it hands over, and
//! its thread wakes whoever waits for rows once for each; for a page of fifty rows of twenty columns that took longer
//! than to find them.

use std::borrow::Cow;
use std::sync::Arc;

use super::stop::Columns;
use crate::database::{Database, Engine, Param};
use crate::{Error, Result};

/// What selects these columns as a line.
pub(super) fn select(engine: Engine, columns: &Columns) -> String {
    let values = columns.values.join(", ");
    let mut line = match engine {
        Engine::Sqlite => format!("json_array({values})"),
        Engine::Postgres => format!("cast(json_build_array({values}) as text)"),
    };
    for json in &columns.json {
        line.push_str(&format!(" || '\t' || {json}"));
    }
    line + " as line"
}

/// The lines that a statement selects, of so many columns each, in its order: both engines put values together in the
/// order of the rows below. No line has a tab or a line feed of its own: JSON writes them as `\t` and `\n`.
pub(super) async fn fetch(
    database: &Database,
    sql: &str,
    params: Vec<Param>,
    columns: usize,
) -> Result<Vec<Line>> {
    let sql = format!("select string_agg(line, '\n') as page from ({sql}) as lines");
    match database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await? {
        Some(row) => lines(row.text(0)?.unwrap_or_default(), columns),
        None => Ok(Vec::new()),
    }
}

/// The columns of one row.
#[derive(Debug)]
pub(super) struct Line {
    page: Arc<Page>,
    /// Where its columns begin among the values of the page.
    begin: usize,
}

/// What all lines that were read together share.
#[derive(Debug)]
struct Page {
    text: Box<str>,
    /// The values of each line, texts with their quotes, and then what is JSON already.
    values: Vec<Place>,
    columns: usize,
}

/// Where a value stands in a page.
#[derive(Debug, Clone, Copy)]
struct Place {
    begin: u32,
    end: u32,
    /// Whether it is a text with a backslash in it.
    is_escaped: bool,
}

impl Place {
    fn new(begin: usize, length: usize, is_escaped: bool) -> Self {
        let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { begin: at(begin), end: at(begin + length), is_escaped }
    }
}

/// The value of a column.
#[derive(Debug, Clone)]
pub enum Held<'a> {
    /// Text; several values have backslashes between them.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(i64),
    /// No value.
    Nothing,
}

impl Line {
    /// The column as it was written, by its place among them.
    pub fn json(&self, index: usize) -> Result<&str> {
        self.written(index).map(|(written, _)| written)
    }

    fn written(&self, index: usize) -> Result<(&str, bool)> {
        let is_of_it = index < self.page.columns;
        let place = self.page.values.get(self.begin + index).filter(|_| is_of_it);
        let written = place.and_then(|place| {
            let written = usize::try_from(place.begin).ok()?..usize::try_from(place.end).ok()?;
            Some((self.page.text.get(written)?, place.is_escaped))
        });
        written.ok_or_else(|| Error::Corrupt(format!("a row has no value {index}")))
    }

    /// The value of a column.
    pub fn at(&self, index: usize) -> Result<Held<'_>> {
        let corrupt = || Error::Corrupt(format!("value {index} of a row"));
        let (value, is_escaped) = self.written(index)?;
        if value == "null" {
            return Ok(Held::Nothing);
        }
        let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return value.parse().map(Held::Number).map_err(|_| corrupt());
        };
        Ok(Held::Text(match is_escaped {
            false => Cow::Borrowed(text),
            true => Cow::Owned(serde_json::from_str(value).map_err(|_| corrupt())?),
        }))
    }

    /// The text of a column, if it has one.
    pub fn text(&self, index: usize) -> Result<Option<Cow<'_, str>>> {
        match self.at(index)? {
            Held::Text(text) => Ok(Some(text)),
            Held::Nothing => Ok(None),
            Held::Number(_) => Err(Error::Corrupt(format!("value {index} of a row is a number"))),
        }
    }

    /// The number of a column, if it has one.
    pub fn number(&self, index: usize) -> Result<Option<i64>> {
        match self.at(index)? {
            Held::Number(number) => Ok(Some(number)),
            Held::Nothing => Ok(None),
            Held::Text(_) => Err(Error::Corrupt(format!("value {index} of a row is a text"))),
        }
    }
}

/// Takes a page apart.
fn lines(text: &str, columns: usize) -> Result<Vec<Line>> {
    let mut values = Vec::new();
    let mut begins = Vec::new();
    let mut line_at = 0;
    for line in text.split('\n').filter(|_| !text.is_empty()) {
        begins.push(values.len());
        let count = push_values(&mut values, line, line_at);
        if count != columns {
            return Err(Error::Corrupt(format!("a row of {columns} values has {count}")));
        }
        line_at += line.len() + 1;
    }
    let page = Arc::new(Page { text: text.into(), values, columns });
    Ok(begins.into_iter().map(|begin| Line { page: Arc::clone(&page), begin }).collect())
}

/// Adds the places of the values in a line that begins there; answers how many there are.
fn push_values(values: &mut Vec<Place>, line: &str, line_at: usize) -> usize {
    let before = values.len();
    let mut parts = line.split('\t');
    let array = parts.next().unwrap_or_default();
    let mut rest = array.strip_prefix('[').filter(|rest| *rest != "]").unwrap_or_default();
    while !rest.is_empty() {
        rest = rest.trim_start_matches([' ', ',']);
        let begin = line_at + array.len() - rest.len();
        let measured = if rest.starts_with('"') {
            text_bytes(rest)
        } else {
            rest.find([',', ']']).map(|length| (length, false))
        };
        let Some((length, is_escaped)) = measured else { break };
        values.push(Place::new(begin, length, is_escaped));
        rest = rest.get(length..).filter(|rest| *rest != "]").unwrap_or_default();
    }
    let mut end = line_at + array.len();
    for json in parts {
        let begin = end + 1;
        end = begin + json.len();
        values.push(Place::new(begin, json.len(), false));
    }
    values.len() - before
}

/// Bytes of the text that JSON begins with, its quotes included, and whether anything of it is escaped; `None` when it
/// does not end.
fn text_bytes(json: &str) -> Option<(usize, bool)> {
    let (mut is_escape, mut has_escapes) = (false, false);
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escape;
        is_escape = byte == b'\\' && !is_escape;
        has_escapes |= is_escape;
        is_end
    })?;
    Some((end + 2, has_escapes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &Line, columns: usize) -> Vec<String> {
        let said = |index| match line.at(index).unwrap() {
            Held::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        };
        (0..columns).map(said).collect()
    }

    #[test]
    fn values_come_as_they_were_packed() {
        let page = "[\"Nguyễn^Văn A\", null, 12,\"\",\"a\\\"b\\\\c\\u001f\",-7,\"\\\\CT\\\\SR\\\\\", \"],[\"]\n\
                    [1,2,3,4,5,6,7,\"\\n\"]";
        let lines = lines(page, 8).unwrap();
        let first =
            ["Nguyễn^Văn A", "Nothing", "Number(12)", "", "a\"b\\c\u{1f}", "Number(-7)", "\\CT\\SR\\", "],["];
        assert_eq!(said(&lines[0], 8), first);
        assert_eq!(lines[1].number(6).unwrap(), Some(7));
        assert_eq!(lines[1].text(7).unwrap().as_deref(), Some("\n"));
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.at(8).is_err()), "of the line behind");
        assert!(lines[0].number(0).is_err() && lines[0].text(2).is_err());
        assert_eq!((lines[0].number(1).unwrap(), lines[0].text(1).unwrap()), (None, None));
    }

    #[test]
    fn what_is_json_already_stands_behind_as_it_is() {
        let lines = lines("[1]\t{\"00080201\":{}}\t[]\n[null]\t{}\t", 3).unwrap();
        let all = |line: &Line| (0..3).map(|at| line.json(at).unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(all(&lines[0]), ["1", "{\"00080201\":{}}", "[]"]);
        assert_eq!(all(&lines[1]), ["null", "{}", ""]);
    }

    #[test]
    fn what_is_no_array_of_so_many_is_corrupt() {
        for (page, columns) in [
            ("[]", 1),
            ("[1,2]", 1),
            ("[\"a", 1),
            ("1", 1),
            ("[1", 1),
            ("[1]\n", 1),
            ("[1]\n[1,2]", 1),
            ("[1]\t", 1),
        ] {
            assert!(lines(page, columns).is_err(), "{page}");
        }
        assert_eq!(lines("[1]", 1).unwrap().len(), 1);
        assert_eq!(lines("", 3).unwrap().len(), 0);
    }
}
