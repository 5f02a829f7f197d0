//! The rows that a deletion takes away or a rejection hides, and what is left in order.

use std::collections::BTreeSet;

use pacs_core::access::Scope;
use pacs_core::uid::Uid;

use crate::database::{Param, Transaction, params, placeholders};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::{ExamId, linking};
use crate::index::deletions::Subject;
use crate::index::studies::{self, Shown};
use crate::index::{InstanceId, PackId, SegmentId, SeriesId, StudyId, packs, series};
use crate::{Result, dialect, performed};

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

/// Rows about to go or to be hidden, locked against everybody who would add to them.
pub(crate) struct Locked {
    chosen: Chosen,
    pub study: StudyId,
    pub study_uid: String,
    pub facility: String,
    pub step_id: Option<i64>,
    pub is_unmatched: bool,
    /// How many instances of the study are shown.
    pub shown: i64,
    /// The series that lose instances.
    pub series: Vec<(SeriesId, String)>,
}

/// What went.
#[derive(Default)]
pub(crate) struct Removed {
    pub instances: u64,
    /// Segments that may have nothing in them now.
    pub segments: BTreeSet<SegmentId>,
    /// Whether nothing of the study is shown now.
    pub study_is_gone: bool,
}

/// What stays where the rest goes.
#[derive(Default)]
pub(crate) struct Spared {
    pub series: Vec<SeriesId>,
    pub instances: Vec<InstanceId>,
}

impl Spared {
    /// The rest of a condition on `instance`.
    fn condition(&self) -> String {
        let list = |ids: Vec<i64>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut condition = String::new();
        if !self.series.is_empty() {
            let ids = self.series.iter().map(|id| id.0).collect();
            condition.push_str(&format!(" and series_id not in ({})", list(ids)));
        }
        if !self.instances.is_empty() {
            let ids = self.instances.iter().map(|id| id.0).collect();
            condition.push_str(&format!(" and id not in ({})", list(ids)));
        }
        condition
    }
}

/// Finds and locks the rows of a subject; `None` when there are none.
pub(crate) async fn lock(tx: &mut Transaction, subject: &Subject) -> Result<Option<Locked>> {
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
        "select uid, facility, step_id, unmatched_reason, instance_count from study where id = $1{}",
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
        shown: row.get("instance_count")?,
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

    /// When the last of the instances and versions was received; `None` when there are none.
    pub async fn newest_received_ms(&self, tx: &mut Transaction) -> Result<Option<i64>> {
        let (chosen, id) = self.chosen.condition();
        let sql = format!(
            "select max(received_ms) as newest from instance where {chosen} union all
             select max(received_ms) as newest from instance_version
             where instance_id in (select id from instance where {chosen})"
        );
        let rows = tx.fetch(sqlx::AssertSqlSafe(sql), params![id]).await?;
        let newest = rows.iter().map(|row| row.get::<Option<i64>>("newest")).collect::<Result<Vec<_>>>()?;
        Ok(newest.into_iter().flatten().max())
    }

    /// The instances that people have taken out of the series they name.
    pub async fn moved(&self, tx: &mut Transaction) -> Result<Vec<String>> {
        let (chosen, id) = self.chosen.condition();
        let sql =
            format!("select uid from instance where {chosen} and sent_series_uid is not null order by id");
        tx.fetch(sqlx::AssertSqlSafe(sql), params![id]).await?.iter().map(|row| row.get("uid")).collect()
    }

    /// The instances that acts are about: single ones, as those that were moved.
    pub async fn named_by_acts(&self, tx: &mut Transaction) -> Result<Vec<(InstanceId, String)>> {
        let (chosen, id) = self.chosen.condition();
        let sql = format!(
            "select id, uid from instance where {chosen}
                 and exists (select 1 from act_about where act_about.uid = instance.uid)"
        );
        let rows = tx.fetch(sqlx::AssertSqlSafe(sql), params![id]).await?;
        rows.iter().map(|row| Ok((InstanceId(row.get("id")?), row.get("uid")?))).collect()
    }

    /// Takes away what was received up to a time, and series and study once nothing is in them.
    pub async fn remove(
        &self,
        tx: &mut Transaction,
        until_ms: i64,
        now_ms: i64,
        spared: &Spared,
    ) -> Result<Removed> {
        let (chosen, id) = self.chosen.condition();
        let chosen = format!("{chosen} and received_ms <= $2{}", spared.condition());
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
        removed.study_is_gone = self.recount(tx, now_ms).await?.instances == 0;
        for pack in packs {
            if packs::is_unused(tx, pack).await? {
                packs::mark_deleted(tx, pack, now_ms).await?;
            }
        }
        Ok(removed)
    }

    /// Brings the counts and lists of the series and of the study up to date; what is empty goes. What
    /// of the study is shown then.
    pub async fn recount(&self, tx: &mut Transaction, now_ms: i64) -> Result<Shown> {
        for (series, _) in &self.series {
            let counted = tx
                .fetch_one(
                    "select count(*) as kept, count(rejection_id) as rejected from instance where series_id = $1",
                    params![*series],
                )
                .await?;
            let (kept, rejected): (i64, i64) = (counted.get("kept")?, counted.get("rejected")?);
            if kept == 0 {
                packs::left_by_series(tx, *series, now_ms).await?;
                series::remove(tx, *series).await?;
            } else {
                series::recount(tx, *series, kept - rejected).await?;
            }
        }
        studies::recount(tx, self.study).await
    }

    /// Hides what is shown and was received up to a time, or shows what is hidden; says how many
    /// instances that changed. `act` is the act that rejects, `some` the series of a study or the instances of a series
    /// that are meant, when not all are.
    pub async fn reject(
        &self,
        tx: &mut Transaction,
        act: Option<i64>,
        until_ms: i64,
        some: &[Uid],
    ) -> Result<u64> {
        /// UIDs that one statement names.
        const CHUNK: usize = 500;
        let (chosen, id) = self.chosen.condition();
        let not_yet = if act.is_some() { "is null" } else { "is not null" };
        let sql = format!(
            "update instance set rejection_id = $2 where {chosen} and rejection_id {not_yet} and received_ms <= $3"
        );
        if some.is_empty() {
            return tx.execute(sqlx::AssertSqlSafe(sql), params![id, act, until_ms]).await;
        }
        let mut changed = 0;
        for some in some.chunks(CHUNK) {
            let listed = placeholders(4, some.len());
            let named = match self.chosen {
                Chosen::OfStudy(_) => format!("series_id in (select id from series where uid in ({listed}))"),
                Chosen::OfSeries(_) | Chosen::One(_) => format!("uid in ({listed})"),
            };
            let mut values = params![id, act, until_ms];
            values.extend(some.iter().map(Param::from));
            changed += tx.execute(sqlx::AssertSqlSafe(format!("{sql} and {named}")), values).await?;
        }
        Ok(changed)
    }

    /// The newest of the acts that have rejected all there is; `None` when anything is shown.
    pub async fn rejected_by(&self, tx: &mut Transaction) -> Result<Option<i64>> {
        let (chosen, id) = self.chosen.condition();
        let sql = format!(
            "select count(*) as kept, count(rejection_id) as rejected, max(rejection_id) as newest
             from instance where {chosen}"
        );
        let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![id]).await?;
        let is_all = row.get::<i64>("kept")? == row.get::<i64>("rejected")?;
        if is_all { row.get("newest") } else { Ok(None) }
    }

    /// Puts the exam back whose only images went; `act` is the word for its history.
    pub async fn leave_exam(
        &self,
        tx: &mut Transaction,
        act: &str,
        (actor, reason): (&str, &str),
        now_ms: i64,
    ) -> Result<()> {
        match self.step_id {
            Some(step) => {
                linking::images_left(tx, ExamId(step), act, actor, Some(reason), now_ms).await.map(drop)
            }
            None => Ok(()),
        }
    }

    /// Parts the study that is gone from what consoles reported of its exam, unless one is at work on it: what is made
    /// next begins anew.
    pub async fn leave_steps(&self, tx: &mut Transaction) -> Result<()> {
        match self.step_id.map(ExamId) {
            Some(exam) if !performed::is_performed(tx, exam).await? => {
                performed::leave(tx, exam, &self.study_uid).await
            }
            _ => Ok(()),
        }
    }

    /// Tells the followers; `all` says that the whole study comes or goes.
    pub async fn tell(&self, tx: &mut Transaction, all: bool, now_ms: i64) -> Result<()> {
        let of = |kind| NewEvent {
            facility: Some(&self.facility),
            study_uid: Some(&self.study_uid),
            exam_id: self.step_id,
            ..NewEvent::new(kind)
        };
        let mut happened = vec![of(EventKind::StudyChanged)];
        if all && self.step_id.is_some() {
            happened.push(of(EventKind::ExamChanged));
        }
        if all && self.is_unmatched {
            happened.push(of(EventKind::UnmatchedChanged));
        }
        events::append(tx, now_ms, &happened).await
    }
}

/// Counts how often arriving images were in the way of an act.
#[derive(Default)]
pub(crate) struct Collisions(u32);

impl Collisions {
    /// Whether to try once more.
    pub fn again(&mut self, why: &str) -> bool {
        const MOST: u32 = 3;
        self.0 += 1;
        tracing::debug!(why, collisions = self.0, "an act collided with arriving images");
        self.0 <= MOST
    }
}
