//! Why something did not go, as the pages see it.

use std::collections::BTreeMap;

use pacs_core::why::Why;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Why something did not go. Pages that have no sentence for the code show the detail.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// A word that the pages have a sentence for in both languages, such as `unreachable`.
    code: String,
    /// What fills the blanks of that sentence. `cause`, where it is there, is a word too: what lies underneath, such as
    /// `connectionRefused`. `status` is that of a DIMSE answer, such as `0xA700`.
    values: BTreeMap<String, Value>,
    /// What exactly, in English.
    detail: String,
}

impl Reason {
    /// Reads one as rows keep it.
    pub fn of(text: &str) -> Self {
        Why::read(text).into()
    }
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        Self { code: why.code.into_owned(), values: why.values, detail: why.detail }
    }
}
