//! Questions to other archives: a person asks here, a worker asks there and fills in the answer.
//!
//! Answers tell of patients who may never have been here, so they are forgotten soon.

use std::collections::HashMap;

use pacs_core::access::Actor;
use pacs_core::uid::{AeTitle, Uid};
use serde::{Deserialize, Serialize};

use crate::database::{Database, Durability, Param, params, placeholders};
use crate::index::instances::uid;
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{self, Job, JobId, JobState, NewJob};
use crate::{Error, Result, devices};

/// The kind of the jobs.
pub const QUERY: &str = "query";
/// The most studies that an answer holds.
pub const MOST_MATCHES: usize = 200;

/// What is looked for; `*` and `?` are wildcards where the standard has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Keys {
    /// Patient ID.
    pub patient_id: Option<String>,
    /// Words of the name, in the order and with the separators that the archive wants.
    pub patient_name: Option<String>,
    /// Accession Number.
    pub accession_number: Option<String>,
    /// Modality of at least one series.
    pub modality: Option<String>,
    /// First study date, `yyyymmdd`.
    pub from: Option<String>,
    /// Last study date, `yyyymmdd`.
    pub to: Option<String>,
    /// Study Instance UID.
    pub study: Option<Uid>,
}

impl Keys {
    /// Whether anything is looked for: an archive is not to be listed from end to end.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A study that the other archive has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Study Instance UID.
    pub study: Uid,
    /// Patient ID.
    pub patient_id: String,
    /// Issuer of Patient ID, as sent.
    pub issuer: String,
    /// PN as sent.
    pub patient_name: String,
    /// `yyyymmdd` as sent.
    pub birth_date: Option<String>,
    /// `M`, `F`, `O` as sent.
    pub sex: Option<String>,
    /// `yyyymmdd` as sent.
    pub date: Option<String>,
    /// `hhmmss.ffffff` as sent.
    pub time: Option<String>,
    /// Accession Number.
    pub accession_number: Option<String>,
    /// Study Description.
    pub description: Option<String>,
    /// Modalities of its series, where the archive says them.
    pub modalities: Vec<String>,
    /// How many instances it has there, where the archive says so.
    pub instances: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Found {
    matches: Vec<Match>,
    more: bool,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it stands.
    pub state: JobState,
    /// What the other archive has, in its order.
    pub matches: Vec<Match>,
    /// Whether it has more than that.
    pub more: bool,
    /// Why there is no answer: a word, a colon, details.
    pub error: Option<String>,
    /// How many instances of those studies are here.
    pub here: HashMap<Uid, i64>,
}

/// Asks another archive. [`Error::Conflict`] when it is no configured device with an address.
pub async fn ask(
    database: &Database,
    actor: &Actor,
    device: &AeTitle,
    keys: &Keys,
    now_ms: i64,
) -> Result<JobId> {
    devices::reachable(database, device).await?;
    let job = NewJob {
        kind: QUERY,
        payload: serde_json::to_value(keys).map_err(|error| Error::internal("write a query", error))?,
        dedupe: None,
        due_ms: now_ms,
        max_attempts: 1,
        created_by: Some(&actor.id),
    };
    let mut tx = database.begin(Durability::Batched).await?;
    let id = lanes::enqueue_in_lane(&mut tx, &job, device.as_str(), Priority::High, now_ms).await?;
    tx.commit().await?;
    id.ok_or_else(|| Error::internal("ask another archive", "no job was made"))
}

/// What a job asks for.
pub fn keys(job: &Job) -> Result<Keys> {
    let malformed = |error| Error::Corrupt(format!("a query: {error}"));
    serde_json::from_value(job.payload.clone()).map_err(malformed)
}

/// Fills in the answer, of which no more than [`MOST_MATCHES`] are kept.
pub async fn answer(
    database: &Database,
    job: &Job,
    worker: &str,
    mut matches: Vec<Match>,
    more: bool,
) -> Result<()> {
    let more = more || matches.len() > MOST_MATCHES;
    matches.truncate(MOST_MATCHES);
    let found = serde_json::to_string(&Found { matches, more });
    let found = found.map_err(|error| Error::internal("write an answer", error))?;
    let answered = database
        .execute(
            "update job set result = $3 where id = $1 and lease_owner = $2 and state = 'running'",
            params![job.id.0, worker, found],
        )
        .await?;
    if answered == 0 { Err(Error::Conflict("the job's lease was lost".into())) } else { Ok(()) }
}

/// What came of a question so far; `None` when it is another's, or was forgotten.
pub async fn by_id(database: &Database, actor: &Actor, id: JobId) -> Result<Option<Answer>> {
    let Some(job) = jobs::by_id(database, id).await? else { return Ok(None) };
    if job.kind != QUERY || job.created_by.as_deref() != Some(actor.id.as_str()) {
        return Ok(None);
    }
    let found = match job.result {
        Some(result) => serde_json::from_value(result)
            .map_err(|error| Error::Corrupt(format!("the answer to a query: {error}")))?,
        None => Found { matches: Vec::new(), more: false },
    };
    let here = count_here(database, &found.matches).await?;
    Ok(Some(Answer { state: job.state, matches: found.matches, more: found.more, error: job.error, here }))
}

async fn count_here(database: &Database, matches: &[Match]) -> Result<HashMap<Uid, i64>> {
    if matches.is_empty() {
        return Ok(HashMap::new());
    }
    let list = placeholders(1, matches.len());
    let sql = format!("select uid, instance_count from study where uid in ({list})");
    let params: Vec<Param> = matches.iter().map(|found| (&found.study).into()).collect();
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((uid(row, "uid")?, row.get("instance_count")?))).collect()
}

/// Forgets questions and answers that ended before a time.
pub async fn prune(database: &Database, before_ms: i64) -> Result<()> {
    let old = "kind = 'query' and lane is not null and state in ('done', 'failed', 'cancelled') and updated_ms < $1";
    let look = format!("select 1 from job where {old} limit 1");
    if database.fetch_optional(sqlx::AssertSqlSafe(look), params![before_ms]).await?.is_some() {
        let forget = format!("delete from job where {old}");
        database.execute(sqlx::AssertSqlSafe(forget), params![before_ms]).await?;
    }
    Ok(())
}
