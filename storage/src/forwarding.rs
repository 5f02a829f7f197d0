//! What modalities report of their work, for the devices that want to hear it too: a job a report and
//! device, done in the order of the reports.

use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use crate::database::{Row, Transaction, params};
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{Job, NewJob};
use crate::{Error, Result};

/// The kind of the jobs.
pub const PERFORMED_STEP: &str = "performed-step";
/// How often a report is tried: with the waits between, for about two days.
const MAX_ATTEMPTS: u32 = 300;

/// What was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// N-CREATE: a step has begun.
    Create,
    /// N-SET: it goes on, or has ended.
    Set,
}

/// A report as it is forwarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was reported.
    pub operation: Operation,
    /// The step.
    pub uid: Uid,
    /// What the modality said of it.
    pub set: DataSet,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    operation: Operation,
    uid: Uid,
    attributes: String,
}

impl Report {
    /// The report of a job.
    pub fn of(job: &Job) -> Result<Self> {
        let malformed = |why: String| Error::Corrupt(format!("a forwarded report: {why}"));
        let Payload { operation, uid, attributes } =
            serde_json::from_value(job.payload.clone()).map_err(|error| malformed(error.to_string()))?;
        let sets = json::parse(attributes.as_bytes(), &JsonLimits::default());
        let set = sets.map_err(|error| malformed(error.to_string()))?.into_iter().next();
        Ok(Self { operation, uid, set: set.ok_or_else(|| malformed("nothing is reported".into()))? })
    }
}

/// Queues a report for every device that takes them and did not make it.
pub(crate) async fn forward_in(
    tx: &mut Transaction,
    operation: Operation,
    uid: &Uid,
    sent: &DataSet,
    by: &AeTitle,
    now_ms: i64,
) -> Result<()> {
    let devices = tx
        .fetch(
            "select ae_title from device where takes_performed_steps = 1 and ae_title <> $1 order by ae_title",
            params![by.as_str()],
        )
        .await?;
    let titles = devices.iter().map(|row: &Row| row.at(0)).collect::<Result<Vec<String>>>()?;
    if titles.is_empty() {
        return Ok(());
    }
    let payload = Payload { operation, uid: uid.clone(), attributes: json::to_string(sent) };
    let payload =
        serde_json::to_value(payload).map_err(|error| Error::internal("forward a report", error))?;
    for title in titles {
        let job = NewJob {
            kind: PERFORMED_STEP,
            payload: payload.clone(),
            dedupe: None,
            due_ms: now_ms,
            max_attempts: MAX_ATTEMPTS,
            created_by: Some(by.as_str()),
        };
        lanes::enqueue_in_lane(tx, &job, &title, Priority::Normal, now_ms).await?;
    }
    Ok(())
}
