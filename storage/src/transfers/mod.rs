//! Images on their way to another application entity (sends) or from one (pulls): each is a job in the
//! lane of its device, with a row that says how far it is.
//!
//! A send goes through its instances in the order of their rows. What the receiver has acknowledged, and
//! what it would not take, is written down before the next is sent, so that neither a broken association
//! nor the end of the process has it sent again.

mod acts;
pub mod commitments;
mod list;
mod progress;
mod selection;
mod trouble;

use std::collections::HashSet;

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use crate::database::{Database, Durability, Param, Transaction, params, placeholders};
use crate::exams::search::{self, StudyLine};
use crate::index::instances;
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{Job, JobId, NewJob};
use crate::{Error, Result, devices};

pub use acts::{again, cancel, prioritise, resend};
pub use list::{Counts, Failure, Line, Show, StudyWords, by_id, counts, failures, list};
pub(crate) use list::{STUDY_COLUMNS, study_words};
pub use progress::{Progress, Standing};
pub(crate) use selection::unsent;
pub use selection::{Selection, kinds, places, places_sent, places_that_failed};
pub use trouble::Trouble;

/// The kind of the jobs that send.
pub const SEND: &str = "send";
/// The kind of the jobs that pull.
pub const PULL: &str = "pull";

/// How often a transfer is tried by itself: with the waits between, for about two days.
const MAX_ATTEMPTS: u32 = 300;

/// Instances that one statement looks up.
const AT_ONCE: usize = 500;

/// Which way images go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the device.
    Send,
    /// From the device.
    Pull,
}

impl Direction {
    /// The direction's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Pull => "pull",
        }
    }

    /// The kind of its jobs.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Send => SEND,
            Self::Pull => PULL,
        }
    }

    fn parse(word: &str) -> Result<Self> {
        let known = [Self::Send, Self::Pull].into_iter().find(|direction| direction.as_str() == word);
        known.ok_or_else(|| Error::Corrupt(format!("a transfer in the unknown direction {word}")))
    }
}

/// Who wanted a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Somebody, who is the job's creator.
    Person,
    /// The route of this name.
    Route(String),
    /// An exam was ordered, and what the patient had before may be wanted.
    Priors,
}

impl Origin {
    /// The origin's word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Route(_) => "route",
            Self::Priors => "priors",
        }
    }

    /// The name of the route.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Route(name) => Some(name),
            Self::Person | Self::Priors => None,
        }
    }
}

/// What a job has to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The other side.
    pub device: AeTitle,
    /// Of this study.
    pub study: Uid,
    /// This part.
    pub selection: Selection,
}

impl Task {
    /// The task of a job.
    pub fn of(job: &Job) -> Result<Self> {
        let malformed = |error| Error::Corrupt(format!("a transfer: {error}"));
        serde_json::from_value(job.payload.clone()).map_err(malformed)
    }
}

/// A transfer to be made.
#[derive(Debug, Clone)]
pub struct NewTransfer<'a> {
    /// Which way.
    pub direction: Direction,
    /// What.
    pub task: &'a Task,
    /// Code of the facility that may see it.
    pub facility: &'a str,
    /// Code of another facility that may, because one of its people sends what that one has made.
    pub sender: Option<&'a str>,
    /// Who wanted it.
    pub origin: &'a Origin,
    /// `Actor::id` of whom it is done for.
    pub created_by: &'a str,
    /// How urgent it is.
    pub priority: Priority,
}

impl NewTransfer<'_> {
    /// What tells it from others: at most one of them waits or runs.
    pub(crate) fn key(&self) -> String {
        let Task { device, study, selection } = self.task;
        format!("{}:{device}:{study}:{}", self.direction.kind(), selection.key())
    }
}

/// Adds a transfer within a transaction; `None` when the same one waits or runs already.
pub async fn enqueue_in(tx: &mut Transaction, new: &NewTransfer<'_>, now_ms: i64) -> Result<Option<JobId>> {
    let (kind, task) = (new.direction.kind(), new.task);
    let payload = serde_json::to_value(task).map_err(|error| Error::internal("write a transfer", error))?;
    let key = new.key();
    let job = NewJob {
        kind,
        payload,
        dedupe: Some(&key),
        due_ms: now_ms,
        max_attempts: MAX_ATTEMPTS,
        created_by: Some(new.created_by),
    };
    let lane = task.device.as_str();
    let Some(id) = lanes::enqueue_in_lane(tx, &job, lane, new.priority, now_ms).await? else {
        return Ok(None);
    };
    tx.execute(
        "insert into transfer (job_id, direction, device, facility, sender, study_uid, origin, origin_name, moved,
             failed, after_id) values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0)",
        params![
            id.0,
            new.direction.as_str(),
            lane,
            new.facility,
            new.sender,
            &task.study,
            new.origin.as_str(),
            new.origin.name()
        ],
    )
    .await?;
    Ok(Some(id))
}

/// A person sends what is here to a device. [`Error::NotFound`] when the study is not in the scope or has
/// nothing of it, [`Error::Conflict`] when the device cannot be sent to or the same is on its way already.
pub async fn send(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    task: &Task,
    priority: Priority,
    now_ms: i64,
) -> Result<JobId> {
    let study = search::study(database, scope, &task.study).await?.ok_or(Error::NotFound)?;
    if kinds(database, task).await?.is_empty() {
        return Err(Error::NotFound);
    }
    devices::reachable(database, &task.device).await?;
    let sender = sender(database, scope, task, &study).await?;
    let new = NewTransfer {
        direction: Direction::Send,
        task,
        facility: &study.facility,
        sender: sender.as_deref(),
        origin: &Origin::Person,
        created_by: &actor.id,
        priority,
    };
    add(database, &new, now_ms).await
}

/// The facility of who sends a study that another has made: the one that requested it, as whose the study is seen.
async fn sender(
    database: &Database,
    scope: &Scope,
    task: &Task,
    study: &StudyLine,
) -> Result<Option<String>> {
    match scope {
        Scope::Facilities(codes) if !codes.contains(&study.facility) => {
            let sql = "select requested_by from study where uid = $1";
            let row = database.fetch_optional(sql, params![&task.study]).await?;
            row.map_or(Ok(None), |row| row.at(0))
        }
        _ => Ok(None),
    }
}

/// A person pulls a study, or series of it, from a device. [`Error::Conflict`] when the device cannot be
/// called or the same is on its way already.
pub async fn pull(
    database: &Database,
    actor: &Actor,
    task: &Task,
    facility: &str,
    now_ms: i64,
) -> Result<JobId> {
    devices::reachable(database, &task.device).await?;
    let new = NewTransfer {
        direction: Direction::Pull,
        task,
        facility,
        sender: None,
        origin: &Origin::Person,
        created_by: &actor.id,
        priority: Priority::Normal,
    };
    add(database, &new, now_ms).await
}

/// Those of these instances that are here, rejected ones too: nobody needs to send them.
pub async fn present(database: &Database, uids: &[Uid]) -> Result<HashSet<Uid>> {
    let mut present = HashSet::with_capacity(uids.len());
    for some in uids.chunks(AT_ONCE) {
        let sql = format!("select uid from instance where uid in ({})", placeholders(1, some.len()));
        let rows = database.fetch(sqlx::AssertSqlSafe(sql), some.iter().map(Param::from).collect()).await?;
        for row in &rows {
            present.insert(instances::uid(row, "uid")?);
        }
    }
    Ok(present)
}

/// How many instances of a series are here, rejected ones too.
pub async fn present_of_series(database: &Database, series: &Uid) -> Result<i64> {
    let sql = "select count(*) from series s join instance i on i.series_id = s.id where s.uid = $1";
    let row = database.fetch_optional(sql, params![series]).await?;
    row.map_or(Ok(0), |row| row.at(0))
}

/// Forgets transfers, and other jobs for devices, that ended before a time; a few hundred at most.
pub async fn prune(database: &Database, before_ms: i64) -> Result<()> {
    let old = "select id from job
         where lane is not null and state in ('done', 'failed', 'cancelled') and updated_ms < $1
         order by updated_ms limit 500";
    let rows = database.fetch(old, params![before_ms]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let ids = rows.iter().map(|row| Ok(Param::Int(Some(row.at(0)?)))).collect::<Result<Vec<Param>>>()?;
    let list = placeholders(1, ids.len());
    let mut tx = database.begin(Durability::Batched).await?;
    let tables = ["transfer_failure where job_id", "commitment_ask where job_id", "transfer where job_id"];
    for table in tables.into_iter().chain(["job where id"]) {
        tx.execute(sqlx::AssertSqlSafe(format!("delete from {table} in ({list})")), ids.clone()).await?;
    }
    tx.commit().await
}

async fn add(database: &Database, new: &NewTransfer<'_>, now_ms: i64) -> Result<JobId> {
    let mut tx = database.begin(Durability::Synced).await?;
    let id = enqueue_in(&mut tx, new, now_ms).await?;
    tx.commit().await?;
    id.ok_or_else(|| Error::Conflict("the same is in the queue already".into()))
}
