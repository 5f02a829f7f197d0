//! Instances: their keys, their place and their hash. Everything else is read from their bytes.

use std::collections::HashSet;
use std::sync::Arc;

use pacs_core::access::Scope;
use pacs_core::uid::Uid;

use super::place::{self, Kept, Place};
use super::{InstanceId, PackId, SegmentId, SeriesId, StudyId};
use crate::database::{Database, Param, Row, params, placeholders};
use crate::{Error, Result};

/// An instance with what is needed to open and describe it.
#[derive(Debug, Clone)]
pub struct InstancePlace {
    /// The row.
    pub id: InstanceId,
    /// The row of its series.
    pub series_id: SeriesId,
    /// The row of its study.
    pub study_id: StudyId,
    /// SOP Instance UID.
    pub uid: Uid,
    /// Series Instance UID it is served under.
    pub series_uid: Uid,
    /// Study Instance UID it is served under.
    pub study_uid: Uid,
    /// SOP Class UID.
    pub class: Uid,
    /// Instance Number.
    pub number: Option<i64>,
    /// Number of Frames; `None` when the object has none.
    pub frames: Option<i64>,
    /// Of the stored data set.
    pub transfer_syntax: Uid,
    /// Where its bytes lie.
    pub place: Place,
    /// Of its content, as ingest computed it.
    pub hash: [u8; 32],
    /// When it arrived.
    pub received_ms: i64,
    /// Whether other contents are kept under its UID, any of which may have been served before it.
    pub has_versions: bool,
    /// Revision of its series: part of every rendition's key.
    pub series_revision: i64,
    /// The key of what is laid over its header, when anything of it was corrected.
    pub overlay: Option<Arc<str>>,
}

impl InstancePlace {
    /// The study it is served under; `None` for an object that is of no patient.
    pub fn study(&self) -> Option<&Uid> {
        (!matches!(self.place.kept, Kept::Apart(_))).then_some(&self.study_uid)
    }

    /// Since when its content is what is found under its UID; `None` where a person or a rule chose it among several,
    /// since that may have been at any time.
    pub fn served_since_ms(&self) -> Option<i64> {
        (!self.has_versions).then_some(self.received_ms)
    }
}

/// What [`read`] wants of `instance i`, `series s` and `study t`.
pub(crate) const COLUMNS: &str = "i.id, i.series_id, s.study_id, i.uid, s.uid as series_uid, t.uid as study_uid, i.class,
     i.number, i.frames, i.transfer_syntax, i.segment_id, i.pack_id, i.offset_bytes, i.length_bytes, i.head_bytes,
     i.hash, i.received_ms, (select count(*) from instance_version v where v.instance_id = i.id) as versions,
     s.revision as series_revision, s.overlay";

/// `select …` up to the condition.
fn select(condition: &str) -> String {
    format!(
        "select {COLUMNS} from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
         where {condition}"
    )
}

/// That an instance is shown: it was not rejected.
const SHOWN: &str = " and i.rejection_id is null";

/// One instance, if it is shown, within the scope and, where they are given, in that study and series.
pub async fn by_uid(
    database: &Database,
    scope: &Scope,
    study: Option<&Uid>,
    series: Option<&Uid>,
    uid: &Uid,
) -> Result<Option<InstancePlace>> {
    let mut params = params![uid];
    let mut sql = select("i.uid = $1") + SHOWN;
    for (column, wanted) in [("t.uid", study), ("s.uid", series)] {
        if let Some(wanted) = wanted {
            params.push(wanted.into());
            sql.push_str(&format!(" and {column} = ${}", params.len()));
        }
    }
    push_study_scope(&mut sql, &mut params, scope);
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// Those of these instances that are in a study, shown and within the scope.
pub async fn shown_of(
    database: &Database,
    scope: &Scope,
    study: &Uid,
    instances: &[Uid],
) -> Result<HashSet<Uid>> {
    if instances.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = format!(
        "select i.uid from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
         where t.uid = $1 and i.uid in ({}){SHOWN}",
        placeholders(2, instances.len())
    );
    let mut params = params![study];
    params.extend(instances.iter().map(Param::from));
    push_study_scope(&mut sql, &mut params, scope);
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| uid(row, "uid")).collect()
}

/// Whether there is this study, in it this series and in that this instance, as far as they are given;
/// rejected ones count.
pub async fn is_held(
    database: &Database,
    scope: &Scope,
    study: &Uid,
    series: Option<&Uid>,
    instance: Option<&Uid>,
) -> Result<bool> {
    let mut params = params![study];
    let mut sql = "select 1 from study t".to_owned();
    for (wanted, join) in [
        (series, "series s on s.study_id = t.id and s.uid"),
        (instance, "instance i on i.series_id = s.id and i.uid"),
    ] {
        if let Some(wanted) = wanted {
            params.push(wanted.into());
            sql.push_str(&format!(" join {join} = ${}", params.len()));
        }
    }
    sql.push_str(" where t.uid = $1");
    push_study_scope(&mut sql, &mut params, scope);
    Ok(database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.is_some())
}

/// The instances of a series that are shown, by instance number. Empty when there is no such series in scope.
pub async fn of_series(
    database: &Database,
    scope: &Scope,
    study: &Uid,
    series: &Uid,
) -> Result<Vec<InstancePlace>> {
    let mut params = params![study, series];
    let mut sql = select("t.uid = $1 and s.uid = $2") + SHOWN;
    push_study_scope(&mut sql, &mut params, scope);
    sql.push_str(" order by i.number, i.id");
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// The instances of a study that are shown, by series and instance number.
pub async fn of_study(database: &Database, scope: &Scope, study: &Uid) -> Result<Vec<InstancePlace>> {
    let mut params = params![study];
    let mut sql = select("t.uid = $1") + SHOWN;
    push_study_scope(&mut sql, &mut params, scope);
    sql.push_str(" order by s.number, s.id, i.number, i.id");
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// The series of a study that have instances which are shown, in order.
pub async fn series_of_study(database: &Database, scope: &Scope, study: &Uid) -> Result<Vec<Uid>> {
    let mut params = params![study];
    let mut sql = format!(
        "select s.uid from series s join study t on t.id = s.study_id
         where t.uid = $1 and exists (select 1 from instance i where i.series_id = s.id{SHOWN})"
    );
    push_study_scope(&mut sql, &mut params, scope);
    sql.push_str(" order by s.number, s.id");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| uid(row, "uid")).collect()
}

/// Instances by their rows, rejected ones too, in no order.
pub async fn by_ids(database: &Database, ids: &[InstanceId]) -> Result<Vec<InstancePlace>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = select(&format!("i.id in ({})", placeholders(1, ids.len())));
    let params = ids.iter().map(|id| Param::from(id.0)).collect();
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// The middle instance of each series of a study, or of one series, with its neighbours, as far as they are shown; by
/// series and instance number.
pub async fn middle_of_each(
    database: &Database,
    scope: &Scope,
    study: &Uid,
    series: Option<&Uid>,
) -> Result<Vec<InstancePlace>> {
    let mut params = params![study];
    let mut of = format!("t.uid = $1{SHOWN}");
    if let Some(series) = series {
        params.push(series.into());
        of.push_str(&format!(" and s.uid = ${}", params.len()));
    }
    push_study_scope(&mut of, &mut params, scope);
    let sql = format!(
        "select {COLUMNS} from
             (select i.id, count(*) over (partition by i.series_id) as together,
                  row_number() over (partition by i.series_id order by i.number, i.id) as nth
              from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id
              where {of}) placed
         join instance i on i.id = placed.id
         join series s on s.id = i.series_id join study t on t.id = s.study_id
         where placed.nth between placed.together / 2 and placed.together / 2 + 2
         order by s.number, s.id, i.number, i.id"
    );
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// Instances after a row, rejected ones too, in order of their rows: a walk over the whole archive in pages.
pub async fn after(database: &Database, after: InstanceId, limit: i64) -> Result<Vec<InstancePlace>> {
    let sql = select("i.id > $1 order by i.id limit $2");
    database.fetch(sqlx::AssertSqlSafe(sql), params![after, limit]).await?.iter().map(read).collect()
}

/// Instances that lie in a pack, rejected ones too, with the numbers of their rows, after a row and in their order.
pub(crate) async fn in_pack(
    database: &Database,
    pack: PackId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, InstancePlace)>> {
    let sql = select("i.pack_id = $1 and i.id > $2 order by i.id limit $3");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![pack, after, limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, read(row)?))).collect()
}

/// Kept versions that lie in a pack.
pub(crate) async fn versions_in_pack(database: &Database, pack: PackId) -> Result<Vec<InstancePlace>> {
    let sql = select("i.id in (select instance_id from instance_version where pack_id = $1) order by i.id");
    let mut all = Vec::new();
    for instance in database.fetch(sqlx::AssertSqlSafe(sql), params![pack]).await?.iter().map(read) {
        let versions = versions_of(database, &instance?).await?;
        all.extend(versions.into_iter().filter(|version| version.place.kept == Kept::Pack(pack)));
    }
    Ok(all)
}

/// Instances and kept versions that lie in a segment of the spool, rejected ones too.
pub(crate) async fn in_segment(database: &Database, segment: SegmentId) -> Result<Vec<InstancePlace>> {
    let sql = select(
        "i.id in (select id from instance where segment_id = $1
             union all select instance_id from instance_version where segment_id = $1) order by i.id",
    );
    let mut all = Vec::new();
    for instance in database.fetch(sqlx::AssertSqlSafe(sql), params![segment]).await?.iter().map(read) {
        let instance = instance?;
        if instance.has_versions {
            all.extend(versions_of(database, &instance).await?);
        }
        all.push(instance);
    }
    all.retain(|place| place.place.kept == Kept::Segment(segment));
    Ok(all)
}

/// The instance or kept version of this content, rejected ones too.
pub(crate) async fn with_content(
    database: &Database,
    uid: &Uid,
    hash: &[u8; 32],
) -> Result<Option<InstancePlace>> {
    let row = database.fetch_optional(sqlx::AssertSqlSafe(select("i.uid = $1")), params![uid]).await?;
    let Some(instance) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    if instance.hash == *hash {
        return Ok(Some(instance));
    }
    Ok(versions_of(database, &instance).await?.into_iter().find(|version| version.hash == *hash))
}

/// The kept versions of an instance, which are not served.
pub async fn versions_of(database: &Database, instance: &InstancePlace) -> Result<Vec<InstancePlace>> {
    let rows = database
        .fetch(
            "select transfer_syntax, segment_id, pack_id, offset_bytes, length_bytes, head_bytes, hash, received_ms
             from instance_version where instance_id = $1 order by id",
            params![instance.id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(InstancePlace {
                transfer_syntax: uid(row, "transfer_syntax")?,
                place: Place::of(row)?,
                hash: hash(row)?,
                received_ms: row.get("received_ms")?,
                ..instance.clone()
            })
        })
        .collect()
}

/// The instances of a series that have kept versions, in order of their rows; rejected ones too.
pub async fn with_versions(database: &Database, series_uid: &str) -> Result<Vec<InstancePlace>> {
    let sql = select(
        "s.uid = $1 and exists (select 1 from instance_version v where v.instance_id = i.id) order by i.id",
    );
    database.fetch(sqlx::AssertSqlSafe(sql), params![series_uid]).await?.iter().map(read).collect()
}

/// Where an instance or version lies now, for a reader that found its place gone. It is told by its
/// content, since the number of a row that was deleted may be another's.
pub async fn place_again(database: &Database, known: &InstancePlace) -> Result<Option<Place>> {
    let sql = format!(
        "select {0} from instance where id = $1 and hash = $2
         union all select {0} from instance_version where instance_id = $1 and hash = $2 limit 1",
        place::COLUMNS
    );
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![known.id, &known.hash]).await?;
    row.as_ref().map(Place::of).transpose()
}

/// The contents that are kept under these UIDs, as (SOP Instance UID, hash), wherever they lie.
pub async fn contents(database: &Database, uids: &[Uid]) -> Result<HashSet<(Uid, [u8; 32])>> {
    if uids.is_empty() {
        return Ok(HashSet::new());
    }
    let list = placeholders(1, uids.len());
    let sql = format!(
        "select uid, hash from instance where uid in ({list}) union all
         select i.uid, v.hash from instance i join instance_version v on v.instance_id = i.id where i.uid in ({list})"
    );
    let params = uids.iter().map(Param::from).collect();
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((uid(row, "uid")?, hash(row)?))).collect()
}

/// The studies `t` that a scope sees: those that its facilities made or requested.
pub(crate) fn push_study_scope(sql: &mut String, params: &mut Vec<Param>, scope: &Scope) {
    match scope {
        Scope::All => {}
        Scope::Facilities(codes) if codes.is_empty() => sql.push_str(" and 1 = 0"),
        Scope::Facilities(codes) => {
            let list = placeholders(params.len() + 1, codes.len());
            sql.push_str(&format!(" and (t.facility in ({list}) or t.requested_by in ({list}))"));
            params.extend(codes.iter().map(Param::from));
        }
    }
}

/// `and column in (…)`: the rows that are a scope's.
pub(crate) fn push_scope(sql: &mut String, params: &mut Vec<Param>, scope: &Scope, column: &str) {
    match scope {
        Scope::All => {}
        Scope::Facilities(codes) if codes.is_empty() => sql.push_str(" and 1 = 0"),
        Scope::Facilities(codes) => {
            let list = placeholders(params.len() + 1, codes.len());
            sql.push_str(&format!(" and {column} in ({list})"));
            params.extend(codes.iter().map(Param::from));
        }
    }
}

/// Reads a row of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<InstancePlace> {
    Ok(InstancePlace {
        id: InstanceId(row.get("id")?),
        series_id: SeriesId(row.get("series_id")?),
        study_id: StudyId(row.get("study_id")?),
        uid: uid(row, "uid")?,
        series_uid: uid(row, "series_uid")?,
        study_uid: uid(row, "study_uid")?,
        class: uid(row, "class")?,
        number: row.get("number")?,
        frames: row.get("frames")?,
        transfer_syntax: uid(row, "transfer_syntax")?,
        place: Place::of(row)?,
        hash: hash(row)?,
        received_ms: row.get("received_ms")?,
        has_versions: row.get::<i64>("versions")? > 0,
        series_revision: row.get("series_revision")?,
        overlay: row.get::<Option<String>>("overlay")?.map(Into::into),
    })
}

/// A hash column.
pub(crate) fn hash(row: &Row) -> Result<[u8; 32]> {
    let hash: Vec<u8> = row.get("hash")?;
    hash.try_into().map_err(|_| Error::Corrupt("a row's hash is not 32 bytes".into()))
}

/// A UID column: what went in was checked, so anything else is damage.
pub(crate) fn uid(row: &Row, column: &str) -> Result<Uid> {
    Uid::parse(&row.get::<String>(column)?).map_err(|why| Error::Corrupt(format!("column {column}: {why}")))
}

/// The columns that an arriving instance fills, in order.
pub(super) fn insert_columns() -> String {
    format!(
        "uid, series_id, class, number, pixel_rows, pixel_columns, bits_allocated, frames, transfer_syntax, {}, hash, received_ms",
        place::COLUMNS
    )
}
