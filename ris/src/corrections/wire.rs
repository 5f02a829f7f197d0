//! Corrections as the pages see them.

use serde::Serialize;
use storage::corrections::{self, Corrected};
use utoipa::ToSchema;

/// An attribute before and after.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// Its DICOM keyword.
    keyword: &'static str,
    /// How it stood.
    before: Option<String>,
    /// How it stands then.
    after: Option<String>,
}

impl From<corrections::Change> for Change {
    fn from(change: corrections::Change) -> Self {
        Self { keyword: change.keyword, before: change.before, after: change.after }
    }
}

/// What a correction does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// Every attribute that changes.
    changes: Vec<Change>,
    /// How many instances leave otherwise than before.
    instances: i64,
    /// Whether the study fulfils an exam then.
    is_matched: bool,
    /// Why it fulfils none: `noAccession`, `noOrder`, `facilityDiffers`, `patientDiffers` or `wrongEntry`.
    unmatched_reason: Option<String>,
    /// Whether its patient's identifier is that of a record with another name, birth date or sex.
    is_doubtful: bool,
}

/// What a correction has done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The number of the act, by which it is taken back.
    pub(super) act_id: i64,
    #[serde(flatten)]
    pub(super) effect: Effect,
}

impl From<Corrected> for Effect {
    fn from(corrected: Corrected) -> Self {
        Self {
            changes: corrected.changes.into_iter().map(Change::from).collect(),
            instances: corrected.instances,
            is_matched: corrected.is_matched,
            unmatched_reason: corrected.unmatched_reason,
            is_doubtful: corrected.is_doubtful,
        }
    }
}
