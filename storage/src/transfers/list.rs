//! The queue as people see it.

use pacs_core::access::Scope;
use pacs_core::uid::{AeTitle, Uid};

use super::Direction;
use crate::database::{Database, Param, Row, params, placeholders};
use crate::exams::Person;
use crate::index::instances::{push_study_scope, uid};
use crate::jobs::lanes::Priority;
use crate::jobs::{JobId, JobState};
use crate::{Error, Result};

/// Which part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// What is under way, then what waits, whose turn is first.
    Open,
    /// What was given up, the latest first.
    Failed,
    /// What is done or was cancelled, the latest first.
    Ended,
}

/// How many transfers there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// That wait or are under way.
    pub open: i64,
    /// That were given up.
    pub failed: i64,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its job.
    pub job: JobId,
    /// Which way.
    pub direction: Direction,
    /// The other side.
    pub device: AeTitle,
    /// Where it stands.
    pub state: JobState,
    /// How urgent it is.
    pub priority: Priority,
    /// Its study.
    pub study_uid: Uid,
    /// What is known of the study; `None` while nothing of it is here.
    pub study: Option<StudyWords>,
    /// Code of the facility whose it is.
    pub facility: String,
    /// `person`, `route` or `priors`.
    pub origin: String,
    /// The name of the route.
    pub origin_name: Option<String>,
    /// Instances that it is about; `None` until they have been counted.
    pub total: Option<i64>,
    /// Instances that have arrived.
    pub moved: i64,
    /// Instances that did not.
    pub failed: i64,
    /// What the receiver said of safe keeping: `asked`, `committed`, `partly` or `silent`.
    pub commitment: Option<String>,
    /// When it did.
    pub commitment_ms: Option<i64>,
    /// Why the last try ended: a word, a colon, details.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it waits.
    pub due_ms: i64,
    /// `Actor::id` of who asked for it.
    pub created_by: Option<String>,
    /// When.
    pub created_ms: i64,
    /// When it last changed its state.
    pub updated_ms: i64,
    /// Whether what was sent has been corrected or moved since, and not been sent there again.
    pub is_corrected_since: bool,
}

/// What a line shows of its study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyWords {
    /// Whose it is.
    pub patient: Person,
    /// `yyyymmdd` as sent.
    pub date: Option<String>,
    /// Study Description.
    pub description: Option<String>,
    /// Modalities of its series.
    pub modalities: Vec<String>,
}

/// An instance that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// SOP Instance UID.
    pub instance: String,
    /// Why: a word, a colon, details.
    pub reason: String,
}

/// What people do to a study that changes what its images say.
const CORRECTING: &str =
    "'study.correct', 'series.correct', 'correction.undo', 'series.move', 'instance.move',
     'study.merge', 'study.split', 'study.part', 'move.undo'";

/// Whether what a send that is done brought has been corrected since, and no later one for that device was made that
/// brings the same, all of the study, or what a route sends of corrections.
fn corrected_since() -> String {
    format!(
        "cast(case when j.state = 'done' and x.direction = 'send' and exists (
             select 1 from act a where a.id in (select id from act where subject_uid = x.study_uid
                 union select act_id from act_about where uid = x.study_uid)
             and a.kind in ({CORRECTING}) and a.at_ms > j.updated_ms)
         and not exists (select 1 from transfer y join job k on k.id = y.job_id
             where y.study_uid = x.study_uid and y.device = x.device and k.created_ms > j.updated_ms
             and y.direction = 'send'
             and (k.dedupe = j.dedupe or k.dedupe like '%:study' or k.dedupe like '%:corrected:%'))
         then 1 else 0 end as bigint) as corrected_since"
    )
}

/// The columns of a study `t` that [`study_words`] reads.
pub(crate) const STUDY_COLUMNS: &str =
    "t.uid as known_uid, t.patient_identifier, t.patient_issuer, t.patient_name,
         t.birth_date, t.sex, t.study_date, t.description, t.modalities";

/// `select … from …` of lines. What a line shows of its study, the scope has to see by itself: who pulls a study or
/// sends one knows its UID, and may know no more.
fn select(params: &mut Vec<Param>, scope: &Scope) -> String {
    let mut sql = format!(
        "select j.id, j.state, j.priority, j.error, j.attempts, j.due_ms, j.created_by, j.created_ms,
         j.updated_ms, x.direction, x.device, x.facility as transfer_facility, x.study_uid, x.origin, x.origin_name,
         x.total, x.moved, x.failed, x.commitment, x.commitment_ms, {STUDY_COLUMNS}, {}
     from job j join transfer x on x.job_id = j.id left join study t on t.uid = x.study_uid",
        corrected_since()
    );
    push_study_scope(&mut sql, params, scope);
    sql
}

/// `and (…)`: the transfers `x` that a scope sees.
pub(super) fn push_transfer_scope(sql: &mut String, params: &mut Vec<Param>, scope: &Scope) {
    match scope {
        Scope::All => {}
        Scope::Facilities(codes) if codes.is_empty() => sql.push_str(" and 1 = 0"),
        Scope::Facilities(codes) => {
            let list = placeholders(params.len() + 1, codes.len());
            sql.push_str(&format!(" and (x.facility in ({list}) or x.sender in ({list}))"));
            params.extend(codes.iter().map(Param::from));
        }
    }
}

/// A part of the queue that the scope sees, at most `limit` lines.
pub async fn list(database: &Database, scope: &Scope, show: Show, limit: u32) -> Result<Vec<Line>> {
    let (states, order) = match show {
        Show::Open => {
            ("'running', 'waiting'", "case j.state when 'running' then 0 else 1 end, j.rank_ms, j.id")
        }
        Show::Failed => ("'failed'", "j.updated_ms desc, j.id desc"),
        Show::Ended => ("'done', 'cancelled'", "j.updated_ms desc, j.id desc"),
    };
    let mut params = Vec::new();
    let mut sql = select(&mut params, scope);
    sql.push_str(&format!(" where j.lane is not null and j.state in ({states})"));
    push_transfer_scope(&mut sql, &mut params, scope);
    sql.push_str(&format!(" order by {order} limit {limit}"));
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// One transfer that the scope sees.
pub async fn by_id(database: &Database, scope: &Scope, id: JobId) -> Result<Option<Line>> {
    let mut params = params![id.0];
    let mut sql = select(&mut params, scope);
    sql.push_str(" where j.id = $1");
    push_transfer_scope(&mut sql, &mut params, scope);
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// How many transfers that the scope sees are open, and have failed.
pub async fn counts(database: &Database, scope: &Scope) -> Result<Counts> {
    let mut sql = "select j.state, count(*) as transfers from job j join transfer x on x.job_id = j.id
         where j.lane is not null and j.state in ('running', 'waiting', 'failed')"
        .to_owned();
    let mut params = Vec::new();
    push_transfer_scope(&mut sql, &mut params, scope);
    sql.push_str(" group by j.state");
    let mut counts = Counts::default();
    for row in database.fetch(sqlx::AssertSqlSafe(sql), params).await? {
        let count: i64 = row.get("transfers")?;
        match row.get::<String>("state")?.as_str() {
            "failed" => counts.failed += count,
            _ => counts.open += count,
        }
    }
    Ok(counts)
}

/// The instances of a transfer that did not arrive, at most `limit`; empty when the scope does not see it.
pub async fn failures(database: &Database, scope: &Scope, id: JobId, limit: u32) -> Result<Vec<Failure>> {
    let mut sql =
        "select f.instance_uid, f.reason from transfer_failure f join transfer x on x.job_id = f.job_id
         where f.job_id = $1"
            .to_owned();
    let mut params = params![id.0];
    push_transfer_scope(&mut sql, &mut params, scope);
    sql.push_str(&format!(" order by f.instance_uid limit {limit}"));
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter()
        .map(|row| Ok(Failure { instance: row.get("instance_uid")?, reason: row.get("reason")? }))
        .collect()
}

fn read(row: &Row) -> Result<Line> {
    let state: String = row.get("state")?;
    let device: String = row.get("device")?;
    let study = match row.get::<Option<String>>("known_uid")? {
        Some(_) => Some(study_words(row)?),
        None => None,
    };
    Ok(Line {
        job: JobId(row.get("id")?),
        direction: Direction::parse(&row.get::<String>("direction")?)?,
        device: AeTitle::parse(&device)
            .map_err(|why| Error::Corrupt(format!("a transfer's device: {why}")))?,
        state: JobState::parse(&state)
            .ok_or_else(|| Error::Corrupt(format!("a job is in the unknown state {state}")))?,
        priority: Priority::of_number(row.get("priority")?),
        study_uid: uid(row, "study_uid")?,
        study,
        facility: row.get("transfer_facility")?,
        origin: row.get("origin")?,
        origin_name: row.get("origin_name")?,
        total: row.get("total")?,
        moved: row.get("moved")?,
        failed: row.get("failed")?,
        commitment: row.get("commitment")?,
        commitment_ms: row.get("commitment_ms")?,
        error: row.get("error")?,
        attempts: row.get("attempts")?,
        due_ms: row.get("due_ms")?,
        created_by: row.get("created_by")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
        is_corrected_since: row.flag("corrected_since")?,
    })
}

/// What a row with [`STUDY_COLUMNS`] says.
pub(crate) fn study_words(row: &Row) -> Result<StudyWords> {
    let modalities: String = row.get("modalities")?;
    let modalities = modalities.split('\\').filter(|modality| !modality.is_empty());
    Ok(StudyWords {
        patient: Person {
            id: row.get("patient_identifier")?,
            issuer: row.get("patient_issuer")?,
            name: row.get("patient_name")?,
            birth_date: row.get("birth_date")?,
            sex: row.get("sex")?,
        },
        date: row.get("study_date")?,
        description: row.get("description")?,
        modalities: modalities.map(str::to_owned).collect(),
    })
}
