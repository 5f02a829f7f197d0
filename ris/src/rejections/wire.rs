//! Rejections as the pages see them.

use jiff::tz::TimeZone;
use pacs_core::clock;
use pacs_core::rejection::Rejection;
use serde::Serialize;
use storage::acts::Act;
use storage::rejection::listing;
use utoipa::ToSchema;

/// Who rejected something, when and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejected {
    /// Code Value of the reason in the scheme DCM (PS3.16 CID 7011): `113001`, `113037`, `113038` or `113039`.
    code: Option<&'static str>,
    /// Who did it.
    by: String,
    /// When; RFC 3339, on the wall where the caller works.
    at: String,
}

impl Rejected {
    pub(super) fn of(rejected: listing::Rejected, zone: &TimeZone) -> Self {
        Self {
            code: rejected.reason.map(Rejection::code),
            by: rejected.actor,
            at: clock::rfc3339_on(rejected.at_ms, zone),
        }
    }
}

/// What was done, and by which number it is taken back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectionDone {
    /// The number of the act.
    pub(super) act_id: i64,
    /// How many instances have changed.
    pub(super) count: u64,
    /// How many instances of the study are shown now.
    pub(super) left: i64,
}

/// Code Value of the reason that an act of rejecting or deleting has in words.
pub(crate) fn code_of(act: &Act) -> Option<&'static str> {
    let names_one = act.kind.ends_with(".reject") || act.kind.ends_with(".delete");
    act.reason.as_deref().filter(|_| names_one).and_then(Rejection::of_meaning).map(Rejection::code)
}
