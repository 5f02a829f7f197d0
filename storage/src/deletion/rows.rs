//! The rows that a deletion takes away, and what it leaves in order.

use std::collections::BTreeSet;

use pacs_core::access::Scope;

use crate::Result;
use crate::database::{Transaction, params};
use crate::dialect;
use crate::index::deletions::Subject;
use crate::index::{InstanceId, PackId, SegmentId, SeriesId, StudyId, packs, series, studies};

/// Which instances go.
enum Chosen {
    OfStudy(StudyId),
    OfSeries(SeriesId),
    One(InstanceId),
}

impl Chosen {
    /// A condition on `instance` with the number of the row as `$1`.
    fn condition(&self) -> (&'static str, i64) {
        match self {
            Self::OfStudy(id) => ("series_id in (select id from series where study_id = $1)", id.0),
            Self::OfSeries(id) => ("series_id = $1", id.0),
            Self::One(id) => ("id = $1", id.0),
        }
    }
}

/// Rows about to go, locked against everybody who would add to them.
pub(super) struct Locked {
    chosen: Chosen,
    study: StudyId,
    pub study_uid: String,
    pub facility: String,
    pub step_id: Option<i64>,
    pub is_unmatched: bool,
    /// The series that lose instances.
    series: Vec<(SeriesId, String)>,
}

/// What went.
#[derive(Default)]
pub(super) struct Removed {
    pub instances: u64,
    /// Segments that may have nothing in them now.
    pub segments: BTreeSet<SegmentId>,
    pub study_is_gone: bool,
}

/// Finds and locks the rows of a subject; `None` when there are none.
pub(super) async fn lock(tx: &mut Transaction, subject: &Subject) -> Result<Option<Locked>> {
    let uid = subject.uid();
    let sql = match subject {
        Subject::Study(_) => "select id as study_id from study where uid = $1",
        Subject::Series(_) => "select id, study_id from series where uid = $1",
        Subject::Instance(_) => {
            "select i.id, i.series_id, s.study_id from instance i join series s on s.id = i.series_id where i.uid = $1"
        }
    };
    let Some(found) = tx.fetch_optional(sql, params![uid]).await? else { return Ok(None) };
    let study = StudyId(found.get("study_id")?);
    let (chosen, only) = match subject {
        Subject::Study(_) => (Chosen::OfStudy(study), None),
        Subject::Series(_) => {
            let series = SeriesId(found.get("id")?);
            (Chosen::OfSeries(series), Some(series))
        }
        Subject::Instance(_) => {
            (Chosen::One(InstanceId(found.get("id")?)), Some(SeriesId(found.get("series_id")?)))
        }
    };
    // Series before their study, as arriving images lock them; with the study no series is added.
    lock_series(tx, study, only).await?;
    let sql = format!(
        "select uid, facility, step_id, unmatched_reason from study where id = $1{}",
        dialect::for_update(tx.engine())
    );
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![study]).await? else {
        return Ok(None);
    };
    Ok(Some(Locked {
        chosen,
        study,
        study_uid: row.get("uid")?,
        facility: row.get("facility")?,
        step_id: row.get("step_id")?,
        is_unmatched: row.get::<Option<String>>("unmatched_reason")?.is_some(),
        series: lock_series(tx, study, only).await?,
    }))
}

async fn lock_series(
    tx: &mut Transaction,
    study: StudyId,
    only: Option<SeriesId>,
) -> Result<Vec<(SeriesId, String)>> {
    let one = if only.is_some() { " and id = $2" } else { "" };
    let sql = format!(
        "select id, uid from series where study_id = $1{one} order by id{}",
        dialect::for_update(tx.engine())
    );
    let mut params = params![study];
    params.extend(only.map(Into::into));
    let rows = tx.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((SeriesId(row.get("id")?), row.get("uid")?))).collect()
}

impl Locked {
    pub fn is_within(&self, scope: &Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Facilities(codes) => codes.contains(&self.facility),
        }
    }

    pub fn series_uids(&self) -> Vec<&str> {
        self.series.iter().map(|(_, uid)| uid.as_str()).collect()
    }

    /// When the last of the instances and versions was received.
    pub async fn newest_received_ms(&self, tx: &mut Transaction) -> Result<i64> {
        let (chosen, id) = self.chosen.condition();
        let sql = format!(
            "select max(received_ms) as newest from instance where {chosen} union all
             select max(received_ms) as newest from instance_version
             where instance_id in (select id from instance where {chosen})"
        );
        let rows = tx.fetch(sqlx::AssertSqlSafe(sql), params![id]).await?;
        let newest = rows.iter().map(|row| row.get::<Option<i64>>("newest")).collect::<Result<Vec<_>>>()?;
        Ok(newest.into_iter().flatten().max().unwrap_or(i64::MIN))
    }

    /// Takes away what was received up to a time, and series and study once nothing is in them.
    pub async fn remove(&self, tx: &mut Transaction, until_ms: i64, now_ms: i64) -> Result<Removed> {
        let (chosen, id) = self.chosen.condition();
        let chosen = format!("{chosen} and received_ms <= $2");
        let of_versions = format!("instance_id in (select id from instance where {chosen})");
        let mut removed = Removed::default();
        let mut packs = BTreeSet::new();
        for (table, condition) in [("instance_version", &of_versions), ("instance", &chosen)] {
            // What they return is where the rows lay at last, whoever moved them meanwhile.
            let sql = format!("delete from {table} where {condition} returning segment_id, pack_id");
            for row in tx.fetch(sqlx::AssertSqlSafe(sql), params![id, until_ms]).await? {
                removed.instances += 1;
                removed.segments.extend(row.get::<Option<i64>>("segment_id")?.map(SegmentId));
                packs.extend(row.get::<Option<i64>>("pack_id")?.map(PackId));
            }
        }
        if removed.instances == 0 {
            return Ok(removed);
        }
        for (series, _) in &self.series {
            let left = tx
                .fetch_one("select count(*) from instance where series_id = $1", params![*series])
                .await?
                .at::<i64>(0)?;
            if left == 0 {
                packs::left_by_series(tx, *series, now_ms).await?;
                series::remove(tx, *series).await?;
            } else {
                series::shrink(tx, *series, left).await?;
            }
        }
        removed.study_is_gone = !studies::shrink(tx, self.study).await?;
        for pack in packs {
            if packs::is_unused(tx, pack).await? {
                packs::mark_deleted(tx, pack, now_ms).await?;
            }
        }
        Ok(removed)
    }
}
