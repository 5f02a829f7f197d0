//! Performed steps in rows (PS3.4 F.7): the states and rules are `pacs_core::mpps`'s; here they become
//! rows, and move the exams that they are for in the same transaction.

mod create;
mod exams;
mod lifted;
mod list;
mod set;

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::mpps::{Refusal, State};
use pacs_core::uid::{AeTitle, Uid};
use tokio::task::spawn_blocking;

use crate::Error;
use crate::database::{Database, Param, params};
use crate::exams::ExamId;
use crate::index::instances::push_scope;

pub use create::create;
pub(crate) use exams::{follow, has_ended, is_of_wrong_entry, is_performed, join, leave};
pub use list::{Line, of_exam, of_study};
pub use set::set;

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is a step with that UID already.
    #[error("there is a performed step with this UID already")]
    Exists,
    /// There is no such step, or it is another facility's.
    #[error("there is no performed step with this UID")]
    Unknown,
    /// What was sent is not what a step has to have, or comes too late.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rows are not to be had.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// Results of this module.
pub type Result<T, E = ReportError> = std::result::Result<T, E>;

/// Who reports, and when.
#[derive(Debug, Clone, Copy)]
pub struct Reporter<'a> {
    /// The device as whom it acts.
    pub actor: &'a Actor,
    /// What it may see.
    pub scope: &'a Scope,
    /// Its AE title.
    pub calling_ae: &'a AeTitle,
    /// The facility of what it does.
    pub facility: &'a str,
    /// When.
    pub now_ms: i64,
}

/// Row of a performed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PerformedId(i64);

impl From<PerformedId> for Param {
    fn from(id: PerformedId) -> Self {
        Self::from(id.0)
    }
}

/// A performed step after a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its UID.
    pub uid: Uid,
    /// Where it stands.
    pub state: State,
    /// The exams that the report moved.
    pub moved: Vec<ExamId>,
}

/// What was reported of a step. [`ReportError::Unknown`] when it is not there or out of scope.
pub async fn retrieve(database: &Database, scope: &Scope, uid: &Uid) -> Result<DataSet> {
    let kept = kept(database, scope, uid).await?;
    beside(move || Ok(parsed(&kept)?)).await
}

/// What is kept of a step, as DICOM JSON.
async fn kept(database: &Database, scope: &Scope, uid: &Uid) -> Result<String> {
    let mut params = params![uid];
    let mut sql = "select p.attributes from performed_step p where p.uid = $1".to_owned();
    push_scope(&mut sql, &mut params, scope, "p.facility");
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
    Ok(row.ok_or(ReportError::Unknown)?.get("attributes")?)
}

/// Reads and writes steps beside the async threads, and before a transaction begins: one has up to 8 MiB.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(Error::thread)?
}

fn parsed(text: &str) -> crate::Result<DataSet> {
    let sets = json::parse(text.as_bytes(), &JsonLimits::default())
        .map_err(|error| Error::Corrupt(format!("a performed step's attributes: {error}")))?;
    sets.into_iter().next().ok_or_else(|| Error::Corrupt("a performed step without attributes".into()))
}
