//! What each instance is hidden by, from the acts in their order.

use std::collections::{BTreeMap, HashMap, HashSet};

use pacs_core::uid::Uid;

use super::{ALONE, REJECT, SERIES, level};
use crate::acts::Act;
use crate::corrections::away;
use crate::database::{Param, Row, Transaction, params, placeholders};
use crate::deletion::UNTIL;
use crate::error::{Error, Result};
use crate::index::deletions::{Kind, Subject};
use crate::index::{InstanceId, StudyId};

/// Instances that one statement means.
const CHUNK: usize = 500;

/// How an instance stands after the acts so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// The act that hides it.
    pub hidden_by: Option<i64>,
    /// The act that changed this last.
    pub changed_by: Option<i64>,
    /// What had hidden it before that.
    before: Option<i64>,
}

impl Standing {
    fn change(&mut self, hidden_by: Option<i64>, act: i64) {
        *self = Self { hidden_by, changed_by: Some(act), before: self.hidden_by };
    }
}

/// How the instances stand that any act has meant.
#[derive(Default)]
pub(super) struct History {
    pub instances: HashMap<InstanceId, Standing>,
    rejections: HashSet<i64>,
}

impl History {
    /// Follows the next act. One that takes another back means what that one has changed, if nothing has changed
    /// it since; any other what its subject held when it was done.
    pub async fn follow(&mut self, tx: &mut Transaction, act: &Act) -> Result<()> {
        if let (true, Some(undone)) = (is_alone(act), act.undoes) {
            let is_rejection = self.rejections.contains(&undone);
            for standing in self.instances.values_mut() {
                if is_rejection && standing.hidden_by == Some(undone) {
                    standing.change(None, act.id);
                } else if !is_rejection && standing.changed_by == Some(undone) {
                    standing.change(standing.before, act.id);
                }
            }
            return Ok(());
        }
        let rejects = REJECT.contains(&act.kind.as_str());
        if rejects {
            self.rejections.insert(act.id);
        }
        for instance in meant(tx, act).await? {
            let standing = self.instances.entry(instance).or_default();
            match standing.hidden_by {
                None if rejects => standing.change(Some(act.id), act.id),
                Some(_) if !rejects => standing.change(None, act.id),
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_alone(act: &Act) -> bool {
    act.after.as_ref().and_then(|after| after.get(ALONE)?.as_bool()).unwrap_or(false)
}

/// The series that an act on a study lists.
pub(super) fn listed(act: &Act) -> Vec<String> {
    let listed = act.after.as_ref().and_then(|after| after.get(SERIES)?.as_array());
    listed.into_iter().flatten().filter_map(|uid| uid.as_str()).map(str::to_owned).collect()
}

/// What an act says that it is about besides its subject.
fn about(act: &Act) -> Vec<&str> {
    let about = act.after.as_ref().and_then(|after| after.get(crate::acts::ABOUT)?.as_array());
    about.into_iter().flatten().filter_map(|uid| uid.as_str()).collect()
}

/// The instances that the subject of an act held when it was done, of those received by then.
async fn meant(tx: &mut Transaction, act: &Act) -> Result<Vec<InstanceId>> {
    let until_ms = act.after.as_ref().and_then(|after| after.get(UNTIL)?.as_i64());
    let subject = Subject::of_act(&act.subject_kind, &act.subject_uid);
    let (Some(subject), Some(until_ms)) = (subject, until_ms) else {
        return Err(Error::Corrupt(format!("act {} does not say what it is about", act.id)));
    };
    let series = match &subject {
        Subject::Instance(uid) => {
            let sql = "select id from instance where uid = $1 and received_ms <= $2";
            let row = tx.fetch_optional(sql, params![uid, until_ms]).await?;
            return row.iter().map(|row| Ok(InstanceId(row.get("id")?))).collect();
        }
        // Some of its instances, which the act is about besides.
        Subject::Series(_) if level(act) == Kind::Instance.as_str() => {
            return named(tx, &about(act), until_ms).await;
        }
        Subject::Series(uid) => vec![uid.to_string()],
        Subject::Study(_) => listed(act),
    };
    let mut instances = Vec::new();
    for series in &series {
        instances.extend(of_series(tx, series, act, until_ms).await?);
    }
    Ok(instances)
}

/// The instances of these UIDs that were received by then.
async fn named(tx: &mut Transaction, uids: &[&str], until_ms: i64) -> Result<Vec<InstanceId>> {
    let mut instances = Vec::new();
    for some in uids.chunks(CHUNK) {
        let listed = placeholders(2, some.len());
        let sql = format!("select id from instance where received_ms <= $1 and uid in ({listed})");
        let mut values = params![until_ms];
        values.extend(some.iter().map(|uid| Param::from(*uid)));
        for row in tx.fetch(sqlx::AssertSqlSafe(sql), values).await? {
            instances.push(InstanceId(row.get("id")?));
        }
    }
    Ok(instances)
}

/// The instances that were in a series when an act was done: of those that are in it now, and of those that were
/// taken into it and may have gone back since.
async fn of_series(tx: &mut Transaction, series: &str, act: &Act, until_ms: i64) -> Result<Vec<InstanceId>> {
    const COLUMNS: &str = "i.id, i.uid, coalesce(i.sent_series_uid, s.uid) as sent_series_uid,
         (select count(*) from act_about b where b.uid = i.uid) as acts
         from instance i join series s on s.id = i.series_id";
    let sql = format!("select {COLUMNS} where s.uid = $1 and i.received_ms <= $2");
    let mut rows = tx.fetch(sqlx::AssertSqlSafe(sql), params![series, until_ms]).await?;
    for uid in away::taken_into(tx, series).await? {
        let sql = format!("select {COLUMNS} where i.uid = $1 and i.received_ms <= $2");
        rows.extend(tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![uid, until_ms]).await?);
    }
    let mut instances = Vec::new();
    for row in &rows {
        if series_then(tx, row, act).await? == series {
            instances.push(InstanceId(row.get("id")?));
        }
    }
    Ok(instances)
}

/// The series that an instance was in when an act was done.
async fn series_then(tx: &mut Transaction, row: &Row, act: &Act) -> Result<String> {
    if row.flag("acts")? {
        let uid: String = row.get("uid")?;
        if let Some(series) = away::series_at(tx, &uid, (act.at_ms, act.id)).await? {
            return Ok(series);
        }
    }
    row.get("sent_series_uid")
}

/// The studies in whose histories the acts are that mean the same instances as an act.
pub(super) async fn studies(tx: &mut Transaction, act: &Act) -> Result<HashSet<String>> {
    let mut series = listed(act);
    let mut studies = HashSet::new();
    match Subject::of_act(&act.subject_kind, &act.subject_uid) {
        Some(Subject::Study(uid)) => drop(studies.insert(uid.to_string())),
        Some(Subject::Series(uid)) => series.push(uid.to_string()),
        Some(Subject::Instance(uid)) => studies.extend(studies_of(tx, &uid).await?),
        None => {}
    }
    of_all_series(tx, &series, &mut studies).await?;
    studies.extend(about(act).into_iter().filter(|uid| Uid::parse(uid).is_ok()).map(str::to_owned));
    Ok(studies)
}

/// The studies in whose histories the acts are that mean an instance.
pub(super) async fn studies_of(tx: &mut Transaction, instance: &Uid) -> Result<HashSet<String>> {
    let mut series: Vec<String> = Vec::new();
    let sql = "select s.uid, i.sent_series_uid from instance i join series s on s.id = i.series_id
         where i.uid = $1";
    if let Some(row) = tx.fetch_optional(sql, params![instance]).await? {
        series.push(row.get("uid")?);
        series.extend(row.get::<Option<String>>("sent_series_uid")?);
    }
    let mut studies = HashSet::new();
    studies.extend(away::studies_of(tx, instance.as_str()).await?);
    of_all_series(tx, &series, &mut studies).await?;
    Ok(studies)
}

/// Adds the studies that these series are in and have been in.
async fn of_all_series(tx: &mut Transaction, series: &[String], studies: &mut HashSet<String>) -> Result<()> {
    for uid in series {
        let sql =
            "select t.uid, s.sent_study_uid from series s join study t on t.id = s.study_id where s.uid = $1";
        if let Some(row) = tx.fetch_optional(sql, params![uid]).await? {
            studies.insert(row.get("uid")?);
            studies.extend(row.get::<Option<String>>("sent_study_uid")?);
        }
        studies.extend(away::studies_of(tx, uid).await?);
    }
    Ok(())
}

/// Where an instance is, and what its row says.
pub(super) struct Filed {
    pub instance: InstanceId,
    pub study: StudyId,
    pub study_uid: String,
    pub hidden_by: Option<i64>,
}

/// Where these instances are.
pub(super) async fn filed(tx: &mut Transaction, instances: &[InstanceId]) -> Result<Vec<Filed>> {
    let mut filed = Vec::with_capacity(instances.len());
    for some in instances.chunks(CHUNK) {
        let sql = format!(
            "select i.id, i.rejection_id, t.id as study_id, t.uid from instance i
             join series s on s.id = i.series_id join study t on t.id = s.study_id where i.id in ({})",
            placeholders(1, some.len())
        );
        let ids = some.iter().map(|id| Param::from(*id)).collect();
        for row in tx.fetch(sqlx::AssertSqlSafe(sql), ids).await? {
            filed.push(Filed {
                instance: InstanceId(row.get("id")?),
                study: StudyId(row.get("study_id")?),
                study_uid: row.get("uid")?,
                hidden_by: row.get("rejection_id")?,
            });
        }
    }
    Ok(filed)
}

/// Has each of these instances, which are locked, hidden by that act, or shown.
pub(super) async fn hide(
    tx: &mut Transaction,
    changes: impl IntoIterator<Item = (InstanceId, Option<i64>)>,
) -> Result<()> {
    let mut by_act: BTreeMap<Option<i64>, Vec<InstanceId>> = BTreeMap::new();
    for (instance, hidden_by) in changes {
        by_act.entry(hidden_by).or_default().push(instance);
    }
    for (hidden_by, instances) in by_act {
        for some in instances.chunks(CHUNK) {
            let listed = placeholders(2, some.len());
            let sql = format!("update instance set rejection_id = $1 where id in ({listed})");
            let mut values = params![hidden_by];
            values.extend(some.iter().map(|id| Param::from(*id)));
            tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
        }
    }
    Ok(())
}
