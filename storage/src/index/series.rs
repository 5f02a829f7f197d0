//! Series rows, and which of them wait to be settled.

use std::sync::Arc;

use pacs_core::access::Scope;
use pacs_core::attributes::{SERIES_TAGS, SeriesAttributes, excerpt};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;

use super::instances::{push_study_scope, uid};
use super::{SeriesId, StudyId};
use crate::Result;
use crate::database::{Database, Param, Row, Transaction, assignments, params, placeholders};

/// A series with instances in the spool, to be settled.
#[derive(Debug, Clone)]
pub struct Resting {
    /// The row.
    pub id: SeriesId,
    /// Series Instance UID.
    pub uid: Uid,
    /// Study Instance UID.
    pub study_uid: Uid,
    /// Code of the facility whose study it is.
    pub facility: String,
    /// When the last instance came, or somebody did something that it is to be settled again for.
    pub updated_ms: i64,
}

/// What [`read_resting`] wants; a condition on `s` and `t` follows.
const RESTING: &str = "select s.id, s.uid, t.uid as study_uid, t.facility, s.updated_ms
     from series s join study t on t.id = s.study_id where";

/// Series whose last instance arrived before `before_ms`, the longest resting first.
pub async fn resting(database: &Database, before_ms: i64, limit: i64) -> Result<Vec<Resting>> {
    let sql = format!("{RESTING} s.unsettled = 1 and s.updated_ms < $1 order by s.updated_ms, s.id limit $2");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![before_ms, limit]).await?;
    rows.iter().map(read_resting).collect()
}

/// The series of a study with instances in the spool: what a request settles at once.
pub async fn unsettled_of(database: &Database, study: &Uid) -> Result<Vec<Resting>> {
    let sql = format!("{RESTING} t.uid = $1 and s.unsettled = 1 order by s.id");
    database.fetch(sqlx::AssertSqlSafe(sql), params![study]).await?.iter().map(read_resting).collect()
}

/// A series by its row.
pub async fn resting_by_id(database: &Database, id: SeriesId) -> Result<Option<Resting>> {
    let sql = format!("{RESTING} s.id = $1");
    database
        .fetch_optional(sqlx::AssertSqlSafe(sql), params![id])
        .await?
        .as_ref()
        .map(read_resting)
        .transpose()
}

fn read_resting(row: &Row) -> Result<Resting> {
    Ok(Resting {
        id: SeriesId(row.get("id")?),
        uid: uid(row, "uid")?,
        study_uid: uid(row, "study_uid")?,
        facility: row.get("facility")?,
        updated_ms: row.get("updated_ms")?,
    })
}

/// The row of a series by its UID.
pub async fn id_of(database: &Database, series: &Uid) -> Result<Option<SeriesId>> {
    let row = database.fetch_optional("select id from series where uid = $1", params![series]).await?;
    row.map(|row| Ok(SeriesId(row.get("id")?))).transpose()
}

/// Takes a series' row away; nothing may be in it.
pub(crate) async fn remove(tx: &mut Transaction, id: SeriesId) -> Result<()> {
    tx.execute("delete from series where id = $1", params![id]).await.map(drop)
}

/// Notes that a series shows fewer instances than before, or more, and how many.
pub(crate) async fn recount(tx: &mut Transaction, id: SeriesId, shown: i64) -> Result<()> {
    tx.execute(
        "update series set instance_count = $2, revision = revision + 1 where id = $1",
        params![id, shown],
    )
    .await
    .map(drop)
}

/// What tells one state of a series from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Raised by every act and late image.
    pub revision: i64,
    /// How many instances it has.
    pub instance_count: i64,
    /// When the last of them came.
    pub updated_ms: i64,
    /// The key of what is laid over their headers, when anything of them was corrected.
    pub overlay: Option<Arc<str>>,
}

/// The state of a series, if it is in that study and in scope and shows anything.
pub async fn stamp(database: &Database, scope: &Scope, study: &Uid, series: &Uid) -> Result<Option<Stamp>> {
    let mut params = params![study, series];
    let mut sql =
        "select s.revision, s.instance_count, s.updated_ms, s.overlay from series s join study t on t.id = s.study_id
         where t.uid = $1 and s.uid = $2 and s.instance_count > 0"
            .to_owned();
    push_study_scope(&mut sql, &mut params, scope);
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
    row.map(|row| {
        Ok(Stamp {
            revision: row.get("revision")?,
            instance_count: row.get("instance_count")?,
            updated_ms: row.get("updated_ms")?,
            overlay: row.get::<Option<String>>("overlay")?.map(Into::into),
        })
    })
    .transpose()
}

/// A series row as an arriving instance finds it.
pub(crate) struct Found {
    pub id: SeriesId,
    pub study: StudyId,
    pub made: bool,
    /// Whether people have moved it to its study.
    pub is_moved: bool,
}

/// The columns that describe a series, in the order of [`described`].
const DESCRIBED: &str =
    "modality, number, description, body_part, laterality, series_date, series_time, station_name,
     protocol_name, performed_date, performed_time, requested_step, requested_procedure, attributes";

fn described(series: &SeriesAttributes, header: &DataSet) -> Vec<Param> {
    params![
        (!series.modality.is_empty()).then_some(series.modality.as_str()),
        series.number,
        &series.description,
        &series.body_part,
        &series.laterality,
        &series.date,
        &series.time,
        &series.station_name,
        &series.protocol_name,
        &series.performed_date,
        &series.performed_time,
        &series.scheduled_step_id,
        &series.requested_procedure_id,
        pacs_core::json::to_string(&excerpt(header, SERIES_TAGS))
    ]
}

/// The series with that UID, made under `study` when nobody has it yet. Safe to race.
pub(crate) async fn ensure(
    tx: &mut Transaction,
    uid: &str,
    study: StudyId,
    sent: &SeriesAttributes,
    header: &DataSet,
    (calling_ae, now_ms): (Option<&str>, i64),
) -> Result<Found> {
    let mut values = params![uid, study, now_ms, calling_ae];
    let own = values.len();
    values.extend(described(sent, header));
    let sql = format!(
        "insert into series (uid, study_id, received_ms, updated_ms, calling_ae, instance_count, revision, unsettled,
             {DESCRIBED}) values ($1, $2, $3, $3, $4, 0, 0, 0, {}) on conflict (uid) do nothing returning id",
        placeholders(own + 1, values.len() - own)
    );
    let made = tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?;
    if let Some(row) = made {
        return Ok(Found { id: SeriesId(row.get("id")?), study, made: true, is_moved: false });
    }
    find(tx, uid).await?.ok_or(crate::Error::NotFound)
}

/// Describes a series anew, whose row somebody has locked, and raises its revision.
pub(crate) async fn describe(
    tx: &mut Transaction,
    id: SeriesId,
    series: &SeriesAttributes,
    header: &DataSet,
) -> Result<()> {
    let mut values = params![id];
    let own = values.len();
    values.extend(described(series, header));
    let sql = format!(
        "update series set {}, revision = revision + 1 where id = $1",
        assignments(DESCRIBED, own + 1)
    );
    tx.execute(sqlx::AssertSqlSafe(sql), values).await.map(drop)
}

/// The series with that UID.
pub(crate) async fn find(tx: &mut Transaction, uid: &str) -> Result<Option<Found>> {
    let row = tx
        .fetch_optional("select id, study_id, sent_study_uid from series where uid = $1", params![uid])
        .await?;
    row.map(|row| {
        Ok(Found {
            id: SeriesId(row.get("id")?),
            study: StudyId(row.get("study_id")?),
            made: false,
            is_moved: row.get::<Option<String>>("sent_study_uid")?.is_some(),
        })
    })
    .transpose()
}
