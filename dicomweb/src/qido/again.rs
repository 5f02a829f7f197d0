//! Searches that are asked again. When something has happened, the lists of all desks are read anew, most of them the
//! same list: for a second, while this process has committed nothing, an answer is what was sent before.

use super::held_back::HeldBack;
use crate::accept::JsonName;
use crate::base_url::BaseUrl;
use crate::coding::Coding;
use bytes::Bytes;
use http::HeaderValue;
use pacs_core::access::Scope;
use storage::database::Database;
use storage::{AsOf, Remembered};

/// Bytes of all answers that are remembered; one may have an eighth of them.
const REMEMBERED_BYTES: usize = 4 << 20;
/// About what the tables take for one, beside its texts.
const KEEPING_BYTES: usize = 768;

/// Who asked for what, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// What is seen.
    pub scope: Scope,
    /// Path and parameters, as they came.
    pub search: String,
    /// What the answer calls this service.
    pub base: BaseUrl,
    /// Its media type.
    pub name: JsonName,
    /// How it is coded.
    pub coding: Coding,
}

/// An answer that was held until it was complete.
#[derive(Debug, Clone)]
pub struct Whole {
    /// What is sent, coded.
    pub body: Bytes,
    /// How; what is short is not coded.
    pub coding: Coding,
    /// Whether rows were left out.
    pub is_cut: bool,
    /// The link to the next page.
    pub next: Option<HeaderValue>,
}

/// The answers that are remembered.
pub struct Answers(Remembered<Asked, Whole>);

impl Default for Answers {
    fn default() -> Self {
        Self(Remembered::of(REMEMBERED_BYTES))
    }
}

impl Answers {
    /// The answer, if it still holds and there is room for one more that is being sent.
    pub fn get(&self, database: &Database, asked: &Asked) -> Option<Whole> {
        let whole = self.0.get(database, asked)?;
        Some(Whole { body: HeldBack::again(whole.body)?, ..whole })
    }

    /// Remembers an answer that was read as of a moment.
    pub fn put(&self, asked: Asked, whole: &Whole, as_of: AsOf) {
        let bytes = kept_bytes(&asked, whole);
        if bytes <= REMEMBERED_BYTES / 8 {
            // Bytes of its own: those that are sent count among what is held until they are.
            let whole = Whole { body: Bytes::copy_from_slice(&whole.body), ..whole.clone() };
            self.0.put(asked, whole, as_of, bytes);
        }
    }
}

/// What an answer takes while it is remembered. What was asked is kept twice; of many short answers it is nearly all.
fn kept_bytes(asked: &Asked, whole: &Whole) -> usize {
    let facilities = match &asked.scope {
        Scope::All => 0,
        Scope::Facilities(codes) => codes.iter().map(|code| size_of::<String>() + code.len()).sum(),
    };
    let key = asked.search.len() + asked.base.as_str().len() + facilities;
    let next = whole.next.as_ref().map_or(0, HeaderValue::len);
    KEEPING_BYTES + 2 * key + whole.body.len() + next
}
