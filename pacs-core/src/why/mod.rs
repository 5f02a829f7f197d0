//! Why something did not go: a word that the pages have a sentence for in both languages, values that fill its blanks,
//! and the same in English for operators and logs.
//!
//! What the words of a subject are is told by the list of its own, such as `storage::transfers::Trouble`; what lies
//! underneath is the same everywhere, and is one of [`Cause`].

mod cause;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Deserializer, Value};

pub use cause::Cause;

/// What fills the blanks of a sentence, by name.
pub type Values = BTreeMap<String, Value>;

/// The word of what no page has a sentence for, such as a row that was written by an older program.
pub const OTHER: &str = "other";

/// Why something did not go. Holds no patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The word that the pages have a sentence for.
    pub code: Cow<'static, str>,
    /// What fills the blanks of that sentence. `cause` is a word of [`Cause`], `status` a number such as `0xA700`.
    pub values: Values,
    /// The same in English, as precisely as it is known.
    pub detail: String,
}

impl Why {
    /// A reason without values.
    pub fn new(code: &'static str, detail: impl fmt::Display) -> Self {
        Self { code: Cow::Borrowed(code), values: Values::new(), detail: detail.to_string() }
    }

    /// With a value for a blank of its sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// With what lies underneath.
    #[must_use]
    pub fn of(self, cause: impl Into<Option<Cause>>) -> Self {
        match cause.into() {
            Some(cause) => self.with("cause", cause.as_str()),
            None => self,
        }
    }

    /// With the status that was answered, or the failure reason that was reported, and what it means.
    #[must_use]
    pub fn answered(self, status: u16) -> Self {
        self.with("status", format!("0x{status:04X}")).of(Cause::of_status(status))
    }

    /// Reads what [`Why::fmt`] writes. A sentence alone, as rows of older programs have it, is its detail.
    pub fn read(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| Self::new(OTHER, text))
    }

    fn parse(text: &str) -> Option<Self> {
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric())?;
        let (code, rest) = text.split_at_checked(end)?;
        if !code.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return None;
        }
        let (values, detail) = match rest.strip_prefix(": ") {
            Some(detail) => (Values::new(), detail),
            None => {
                let rest = rest.strip_prefix(' ')?;
                let mut values = Deserializer::from_str(rest).into_iter::<Values>();
                let found = values.next()?.ok()?;
                (found, rest.get(values.byte_offset()..)?.strip_prefix(": ")?)
            }
        };
        Some(Self { code: Cow::Owned(code.to_owned()), values, detail: detail.to_owned() })
    }
}

/// As rows keep it: the word, the values as JSON where there are any, a colon, the detail.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.values.is_empty() {
            write!(f, " {}", serde_json::to_string(&self.values).map_err(|_| fmt::Error)?)?;
        }
        write!(f, ": {}", self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let plain = Why::new("notDicom", "not a DICOM file: it is a text");
        let whole = Why::new("peer", "it answered 0xA700")
            .with("status", "0xA700")
            .with("text", "a: {\"b\"}: c")
            .with("failed", 3)
            .of(Cause::OutOfResources);
        for why in [plain, whole, Why::new("x", "")] {
            assert_eq!(Why::read(&why.to_string()), why, "{why}");
        }
        assert_eq!(Why::new("peer", "no").to_string(), "peer: no");
    }

    #[test]
    fn a_sentence_of_an_older_program_is_its_detail() {
        for text in [
            "",
            "word",
            "12 of 14 instances are here; C-MOVE was answered 0xB000, 2 failed 1.2.3",
            "cannot connect: Connection refused (os error 111); tried again in 4 seconds",
            "/medium is not there: No such file or directory",
            "peer {\"status\": broken",
            "ảnh hỏng: không đọc được",
        ] {
            assert_eq!(Why::read(text), Why::new(OTHER, text), "{text}");
        }
    }
}
