//! Stored instances that are known not to be what was stored, until they are again.

use pacs_core::access::Scope;
use pacs_core::uid::Uid;

use super::news::Noted;
use super::segment_gone;
use crate::archive::Archive;
use crate::database::{Database, Durability, Row, Transaction, params};
use crate::error::Result;
use crate::events::{self, EventKind, NewEvent};
use crate::index::instances::{InstancePlace, push_scope, uid};

/// A damaged instance or kept version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Study Instance UID it is served under.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
    /// What is wrong.
    pub why: String,
    /// Since when that is known.
    pub found_ms: i64,
}

/// A condition that the instance or version is still there.
const IS_KEPT: &str = "(i.hash = d.hash or exists (
     select 1 from instance_version v where v.instance_id = i.id and v.hash = d.hash))";

impl Archive {
    /// Notes how an instance was found; says what of that is new. What is whole again is forgotten.
    pub(super) async fn note_verified(&self, place: &InstancePlace, wrong: Option<&str>) -> Result<Noted> {
        let database = &self.0.database;
        let Some(why) = wrong else {
            let known = "select 1 from damage where uid = $1 and hash = $2";
            if database.fetch_optional(known, params![&place.uid, &place.hash]).await?.is_some() {
                let sql = "delete from damage where uid = $1 and hash = $2";
                database.execute(sql, params![&place.uid, &place.hash]).await?;
                return Ok(Noted::Mended);
            }
            return Ok(Noted::Known);
        };
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = database.begin(Durability::Synced).await?;
        let noted = note(&mut tx, place, why, now_ms).await?;
        tx.commit().await?;
        Ok(noted)
    }
}

/// Notes that an instance is damaged, and tells of it unless that is known or it was deleted meanwhile.
pub(super) async fn note(
    tx: &mut Transaction,
    place: &InstancePlace,
    why: &str,
    now_ms: i64,
) -> Result<Noted> {
    let sql = "insert into damage (uid, hash, why, found_ms) select $1, $2, $3, $4 where exists (
             select 1 from instance i where i.uid = $1 and (i.hash = $2 or exists (
                 select 1 from instance_version v where v.instance_id = i.id and v.hash = $2)))
         on conflict do nothing";
    if tx.execute(sql, params![&place.uid, &place.hash, why, now_ms]).await? == 0 {
        return Ok(Noted::Known);
    }
    // It may have been moved meanwhile.
    let sql = "select t.facility, t.uid as study, s.uid as series from instance i join series s on s.id = i.series_id
         join study t on t.id = s.study_id where i.uid = $1";
    let Some(row) = tx.fetch_optional(sql, params![&place.uid]).await? else { return Ok(Noted::Known) };
    let (facility, study, series) =
        (row.get::<String>("facility")?, row.get::<String>("study")?, row.get::<String>("series")?);
    let event = NewEvent {
        facility: Some(&facility),
        study_uid: Some(&study),
        series_uid: Some(&series),
        ..NewEvent::new(EventKind::InstanceDamaged)
    };
    events::append(tx, now_ms, &[event]).await?;
    Ok(Noted::Damaged)
}

/// What is damaged, newest first.
pub async fn list(database: &Database, scope: &Scope, limit: u32) -> Result<Vec<Damaged>> {
    let mut values = params![limit];
    let mut sql = format!(
        "select t.uid as study, s.uid as series, d.uid as instance, d.why, d.found_ms from damage d
         join instance i on i.uid = d.uid join series s on s.id = i.series_id join study t on t.id = s.study_id
         where {IS_KEPT}"
    );
    push_scope(&mut sql, &mut values, scope, "t.facility");
    sql.push_str(" order by d.found_ms desc, d.uid limit $1");
    database.fetch(sqlx::AssertSqlSafe(sql), values).await?.iter().map(read).collect()
}

/// How many instances and versions are damaged.
pub async fn count(database: &Database) -> Result<u64> {
    let sql = format!("select count(*) from damage d join instance i on i.uid = d.uid where {IS_KEPT}");
    let found = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![]).await?;
    found.map_or(Ok(0), |row| Ok(u64::try_from(row.at::<i64>(0)?).unwrap_or(0)))
}

/// Forgets what was deleted since.
pub(super) async fn forget_gone(database: &Database) -> Result<()> {
    if database.fetch_optional("select 1 from damage limit 1", params![]).await?.is_none() {
        return Ok(());
    }
    let sql = format!(
        "delete from damage where not exists (select 1 from instance i join damage d on d.uid = i.uid
         where i.uid = damage.uid and d.hash = damage.hash and {IS_KEPT})"
    );
    database.execute(sqlx::AssertSqlSafe(sql), params![]).await.map(drop)
}

/// Forgets what was missed in the spool and has been found in a pack.
pub(crate) async fn forget_found(database: &Database) -> Result<()> {
    let sql = "delete from damage where why = $1 and exists (
         select 1 from instance i where i.uid = damage.uid and i.hash = damage.hash and i.pack_id is not null
         union all select 1 from instance i join instance_version v on v.instance_id = i.id
         where i.uid = damage.uid and v.hash = damage.hash and v.pack_id is not null)";
    database.execute(sql, params![segment_gone()]).await.map(drop)
}

fn read(row: &Row) -> Result<Damaged> {
    Ok(Damaged {
        study: uid(row, "study")?,
        series: uid(row, "series")?,
        instance: uid(row, "instance")?,
        why: row.get("why")?,
        found_ms: row.get("found_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::place::{Kept, Place};
    use crate::index::{InstanceId, PackId, SeriesId, StudyId};

    #[tokio::test]
    async fn what_was_deleted_meanwhile_is_not_noted() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("sen.db").display());
        let database = Database::open(&url).await.unwrap();
        let uid = Uid::parse("1.2.3").unwrap();
        let place = InstancePlace {
            id: InstanceId(1),
            series_id: SeriesId(1),
            study_id: StudyId(1),
            uid: uid.clone(),
            series_uid: uid.clone(),
            study_uid: uid.clone(),
            class: uid.clone(),
            number: None,
            frames: None,
            transfer_syntax: uid,
            place: Place { kept: Kept::Pack(PackId(1)), offset_bytes: 0, length_bytes: 1, head_bytes: 0 },
            hash: [7; 32],
            received_ms: 1,
            has_versions: false,
            series_revision: 0,
            overlay: None,
        };
        let mut tx = database.begin(Durability::Synced).await.unwrap();
        assert_eq!(note(&mut tx, &place, "gone: its pack is gone", 2).await.unwrap(), Noted::Known);
        tx.commit().await.unwrap();
        for table in ["damage", "event"] {
            let sql = sqlx::AssertSqlSafe(format!("select 1 from {table}"));
            assert!(database.fetch_optional(sql, params![]).await.unwrap().is_none(), "{table}");
        }
    }
}
