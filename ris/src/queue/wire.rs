//! A transfer as the pages see it.

use jiff::tz::TimeZone;
use pacs_core::clock;
use serde::Serialize;
use storage::transfers::{Line, StudyWords};
use utoipa::ToSchema;

use crate::dates;
use crate::patients::Patient;
use crate::reason::Reason;

/// Images on their way to a device or from one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    id: i64,
    /// `send` or `pull`.
    direction: &'static str,
    /// AE title of the other side.
    device: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// `low`, `normal` or `high`.
    priority: &'static str,
    /// Study Instance UID.
    study_uid: String,
    /// Null while nothing of the study is here.
    study: Option<TransferredStudy>,
    /// Code of the facility whose it is.
    facility: String,
    /// `person`, `route` or `priors`.
    origin: String,
    /// The name of the route.
    origin_name: Option<String>,
    /// Instances that it is about; null until they have been counted.
    total: Option<i64>,
    /// Instances that have arrived.
    moved: i64,
    /// Instances that did not.
    failed: i64,
    /// What the receiver said of safe keeping: `asked`, `committed`, `partly` or `silent`.
    commitment: Option<String>,
    /// When it did; RFC 3339.
    commitment_at: Option<String>,
    /// Why the last try ended.
    error: Option<Reason>,
    /// How often it was tried.
    attempts: i64,
    /// When it is tried next, while it waits; RFC 3339.
    due_at: String,
    /// `user:…`, `device:…` or `system`.
    created_by: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// When its state last changed; RFC 3339.
    updated_at: String,
    /// Whether what was sent has been corrected or moved since, and not been sent there again.
    is_corrected_since: bool,
}

/// What is known of the study of a transfer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferredStudy {
    patient: Patient,
    /// `YYYY-MM-DD`.
    study_date: Option<String>,
    description: Option<String>,
    modalities: Vec<String>,
}

impl Transfer {
    /// A line of the queue, with times on that wall.
    pub fn of(line: Line, zone: &TimeZone) -> Self {
        let at = |ms: i64| clock::rfc3339_on(ms, zone);
        Self {
            id: line.job.0,
            direction: line.direction.as_str(),
            device: line.device.to_string(),
            state: line.state.as_str(),
            priority: line.priority.as_str(),
            study_uid: line.study_uid.to_string(),
            study: line.study.map(TransferredStudy::from),
            facility: line.facility,
            origin: line.origin,
            origin_name: line.origin_name,
            total: line.total,
            moved: line.moved,
            failed: line.failed,
            commitment: line.commitment,
            commitment_at: line.commitment_ms.map(at),
            error: line.error.as_deref().map(Reason::of),
            attempts: line.attempts,
            due_at: at(line.due_ms),
            created_by: line.created_by,
            created_at: at(line.created_ms),
            updated_at: at(line.updated_ms),
            is_corrected_since: line.is_corrected_since,
        }
    }
}

impl From<StudyWords> for TransferredStudy {
    fn from(words: StudyWords) -> Self {
        Self {
            patient: words.patient.into(),
            study_date: words.date.as_deref().and_then(dates::iso_date),
            description: words.description,
            modalities: words.modalities,
        }
    }
}

/// What was put into the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queued {
    /// Its number there.
    pub id: i64,
}
