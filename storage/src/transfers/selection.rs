//! Which instances a send is about, read page by page in the order of their rows.

use std::collections::HashSet;

use futures::stream::{self, Stream, StreamExt as _};
use pacs_core::uid::Uid;
use serde::{Deserialize, Serialize};

use super::{AT_ONCE, Task};
use crate::Result;
use crate::database::{Database, Param, Transaction, params, placeholders};
use crate::index::instances::{self, InstancePlace, uid};
use crate::jobs::JobId;

/// Places that are read at once.
const PAGE: i64 = 256;

/// Which part of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Selection {
    /// All of it, also what comes while it is sent.
    Study,
    /// These series.
    Series(Vec<Uid>),
    /// These instances.
    Instances(Vec<Uid>),
    /// What came of a series after a row and not after another. The number of a row that was deleted may be
    /// given again, so what was received later than `after_ms` counts as well.
    #[serde(rename_all = "camelCase")]
    Arrived {
        /// The series.
        series: Uid,
        /// The last row that is not meant.
        after_id: i64,
        /// When the last instance that is not meant was received.
        after_ms: i64,
        /// The last row that is meant.
        through_id: i64,
    },
    /// A series that people have corrected after it had been sent.
    #[serde(rename_all = "camelCase")]
    Corrected {
        /// The series.
        series: Uid,
        /// When they did: it goes once more for each time.
        at_ms: i64,
    },
}

impl Selection {
    /// What tells selections of one study apart.
    pub(super) fn key(&self) -> String {
        let hashed = |uids: &[Uid]| {
            let joined: Vec<&str> = uids.iter().map(Uid::as_str).collect();
            blake3::hash(joined.join("\\").as_bytes()).to_hex().to_string()
        };
        match self {
            Self::Study => "study".to_owned(),
            Self::Series(series) => format!("series:{}", hashed(series)),
            Self::Instances(instances) => format!("instances:{}", hashed(instances)),
            Self::Corrected { series, at_ms } => format!("corrected:{series}:{at_ms}"),
            Self::Arrived { series, after_id, through_id, .. } => {
                format!("arrived:{series}:{after_id}:{through_id}")
            }
        }
    }
}

/// `from … where …` of what a task means and is shown.
fn meant(task: &Task) -> (String, Vec<Param>) {
    let mut params: Vec<Param> = Vec::new();
    let mut all = |uids: &[Uid]| {
        params.push((&task.study).into());
        params.extend(uids.iter().map(Param::from));
        placeholders(2, uids.len())
    };
    let condition = match &task.selection {
        Selection::Study => {
            all(&[]);
            "t.uid = $1".to_owned()
        }
        Selection::Series(series) => format!("t.uid = $1 and s.uid in ({})", all(series)),
        Selection::Instances(instances) => format!("t.uid = $1 and i.uid in ({})", all(instances)),
        Selection::Corrected { series, .. } => {
            params = vec![series.into()];
            "s.uid = $1".to_owned()
        }
        Selection::Arrived { series, after_id, after_ms, through_id } => {
            params = vec![series.into(), (*after_id).into(), (*after_ms).into(), (*through_id).into()];
            "s.uid = $1 and (i.id > $2 or i.received_ms > $3) and i.id <= $4".to_owned()
        }
    };
    let sql = format!(
        "from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
         where {condition} and i.rejection_id is null"
    );
    (sql, params)
}

/// The SOP classes of what a task means, each with the transfer syntaxes in which it is stored. Empty when
/// nothing of it is here.
pub async fn kinds(database: &Database, task: &Task) -> Result<Vec<(Uid, Uid)>> {
    let (meant, params) = meant(task);
    let sql =
        format!("select distinct i.class, i.transfer_syntax {meant} order by i.class, i.transfer_syntax");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((uid(row, "class")?, uid(row, "transfer_syntax")?))).collect()
}

/// The instances of a transfer that have not been sent: those that failed, and those that it means behind a row.
pub(crate) async fn unsent(tx: &mut Transaction, job: JobId, task: &Task, after_id: i64) -> Result<Vec<Uid>> {
    let failed = "select instance_uid as uid from transfer_failure where job_id = $1";
    let mut rows = tx.fetch(failed, params![job.0]).await?;
    let (mut sql, mut params) = meant(task);
    params.push(after_id.into());
    sql = format!("select i.uid {sql} and +i.id > ${} order by i.id", params.len());
    rows.extend(tx.fetch(sqlx::AssertSqlSafe(sql), params).await?);
    rows.iter().map(|row| uid(row, "uid")).collect()
}

/// How many instances a task means behind a row.
pub(super) async fn count(database: &Database, task: &Task, after_id: i64) -> Result<i64> {
    let (mut sql, mut params) = meant(task);
    params.push(after_id.into());
    sql = format!("select count(*) as instances {sql} and +i.id > ${}", params.len());
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
    row.map_or(Ok(0), |row| row.at(0))
}

/// The places of what a task means behind a row, in the order of their rows.
pub fn places(
    database: &Database,
    task: &Task,
    after_id: i64,
) -> impl Stream<Item = Result<InstancePlace>> + Send + 'static {
    between(database, task, after_id, i64::MAX)
}

/// The places of what a task means behind a row and up to another, as far as it is still shown: what a transfer that is
/// done has sent.
pub fn places_sent(
    database: &Database,
    task: &Task,
    after_id: i64,
    through_id: i64,
) -> impl Stream<Item = Result<InstancePlace>> + Send + 'static {
    between(database, task, after_id, through_id)
}

fn between(
    database: &Database,
    task: &Task,
    after_id: i64,
    through_id: i64,
) -> impl Stream<Item = Result<InstancePlace>> + Send + 'static {
    let (meant, mut params) = meant(task);
    params.push(through_id.into());
    // The signs keep the engines from walking all instances in their order, to sort a study's not.
    let sql = format!(
        "select {} {meant} and +i.id <= ${} and +i.id > ${} order by +i.id limit {PAGE}",
        instances::COLUMNS,
        params.len(),
        params.len() + 1
    );
    pages(database.clone(), sql, params, Param::from(after_id), |place| place.id.0.into())
}

/// Those of these instances that a task means up to a row.
pub(super) async fn meant_of(
    tx: &mut Transaction,
    task: &Task,
    through_id: i64,
    uids: &[&Uid],
) -> Result<HashSet<Uid>> {
    let mut found = HashSet::with_capacity(uids.len());
    for some in uids.chunks(AT_ONCE) {
        let (meant, mut params) = meant(task);
        params.push(through_id.into());
        let through = params.len();
        let list = placeholders(through + 1, some.len());
        params.extend(some.iter().map(|uid| Param::from(*uid)));
        let sql = format!("select i.uid {meant} and +i.id <= ${through} and i.uid in ({list})");
        for row in &tx.fetch(sqlx::AssertSqlSafe(sql), params).await? {
            found.insert(uid(row, "uid")?);
        }
    }
    Ok(found)
}

/// The places of what earlier tries of a job did not bring to the receiver, as far as it is still shown: up to the
/// row through which they have tried.
pub fn places_that_failed(
    database: &Database,
    job: JobId,
    through_id: i64,
) -> impl Stream<Item = Result<InstancePlace>> + Send + 'static {
    let sql = format!(
        "select {} from transfer_failure f join instance i on i.uid = f.instance_uid
             join series s on s.id = i.series_id join study t on t.id = s.study_id
         where f.job_id = $1 and i.rejection_id is null and +i.id <= $2 and f.instance_uid > $3
         order by f.instance_uid limit {PAGE}",
        instances::COLUMNS
    );
    let params = vec![job.0.into(), through_id.into()];
    pages(database.clone(), sql, params, Param::from(""), |place| (&place.uid).into())
}

/// Reads page after page; the last parameter of the statement is where the page before ended.
fn pages(
    database: Database,
    sql: String,
    params: Vec<Param>,
    begin: Param,
    end: impl Fn(&InstancePlace) -> Param + Send + 'static,
) -> impl Stream<Item = Result<InstancePlace>> + Send + 'static {
    struct Walk<F> {
        database: Database,
        sql: String,
        params: Vec<Param>,
        after: Option<Param>,
        end: F,
    }
    let walk = Walk { database, sql, params, after: Some(begin), end };
    let pages = stream::try_unfold(walk, |mut walk| async move {
        let Some(after) = walk.after.take() else { return Ok(None) };
        let params: Vec<Param> = walk.params.iter().cloned().chain([after]).collect();
        let rows = walk.database.fetch(sqlx::AssertSqlSafe(walk.sql.clone()), params).await?;
        let places = rows.iter().map(instances::read).collect::<Result<Vec<_>>>()?;
        walk.after = places.last().map(|place| (walk.end)(place));
        Ok::<_, crate::Error>(Some((places, walk)))
    });
    pages.flat_map(|page| {
        stream::iter(match page {
            Ok(places) => places.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    })
}
