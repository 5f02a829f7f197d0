//! Which images are available (PS3.4 R), for the devices that want to be told: a job for what has settled of
//! a series.

use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use crate::database::{Database, Row, Transaction, params};
use crate::index::instances::uid;
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{Job, NewJob};
use crate::transfers::Task;
use crate::{Error, Result};

/// The kind of the jobs.
pub const AVAILABILITY: &str = "availability";
/// How often a notification is tried: with the waits between, for about two days.
const MAX_ATTEMPTS: u32 = 300;

/// A notification to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its SOP Instance UID, however often it is tried.
    pub uid: Uid,
    /// Which instances it is about, of one series, and whom it is for.
    pub task: Task,
}

impl Notification {
    /// The notification of a job.
    pub fn of(job: &Job) -> Result<Self> {
        let malformed = |error| Error::Corrupt(format!("a notification: {error}"));
        serde_json::from_value(job.payload.clone()).map_err(malformed)
    }
}

/// The devices that are told.
pub(crate) async fn told(database: &Database) -> Result<Vec<AeTitle>> {
    let sql = "select ae_title from device where takes_availability = 1 order by ae_title";
    let title = |row: &Row| {
        AeTitle::parse(&row.at::<String>(0)?)
            .map_err(|why| Error::Corrupt(format!("a device's title: {why}")))
    };
    database.fetch(sql, params![]).await?.iter().map(title).collect()
}

/// Queues that a device is told of these instances.
pub(crate) async fn tell_in(tx: &mut Transaction, task: &Task, now_ms: i64) -> Result<()> {
    let notification = Notification { uid: Uid::generate(rand::random()), task: task.clone() };
    let job = NewJob {
        kind: AVAILABILITY,
        payload: serde_json::to_value(notification)
            .map_err(|error| Error::internal("write a notification", error))?,
        dedupe: None,
        due_ms: now_ms,
        max_attempts: MAX_ATTEMPTS,
        created_by: None,
    };
    lanes::enqueue_in_lane(tx, &job, task.device.as_str(), Priority::Normal, now_ms).await.map(drop)
}

/// The performed steps that say that they made a series.
pub async fn performed_steps(database: &Database, series: &Uid) -> Result<Vec<Uid>> {
    let sql = "select p.uid from performed_series z join performed_step p on p.id = z.performed_step_id
         where z.series_uid = $1 order by p.id limit 20";
    database.fetch(sql, params![series]).await?.iter().map(|row| uid(row, "uid")).collect()
}
