//! What people had moved away by a time: a deletion of that time of where it was sent to does not mean it.

use std::collections::{BTreeSet, HashMap};

use super::{ACTS, INSTANCES, MERGE, PART, Said};
use crate::acts;
use crate::database::{Param, Transaction, params, placeholders};
use crate::error::{Error, Result};

/// When moves stood, by what they are about.
#[derive(Default)]
pub(crate) struct Away {
    /// By the UID of a series or an instance that was moved.
    moved: HashMap<String, Vec<Span>>,
    /// By the UID of a study that was merged into another.
    merged: HashMap<String, Vec<Span>>,
}

/// From when until when a move stood.
struct Span {
    from_ms: i64,
    until_ms: Option<i64>,
}

impl Away {
    /// The moves about series and instances of these UIDs, and the mergers of studies of these UIDs.
    pub async fn of(tx: &mut Transaction, uids: &BTreeSet<String>) -> Result<Self> {
        let mut away = Self::default();
        if uids.is_empty() {
            return Ok(away);
        }
        let listed = placeholders(1, uids.len());
        let kinds = ACTS.map(|kind| format!("'{kind}'")).join(", ");
        let sql = format!(
            "select m.uid, m.as_subject, a.at_ms,
                 (select min(u.at_ms) from act u where u.undoes_id = a.id) as undone_ms
             from (select uid, act_id, cast(0 as bigint) as as_subject from act_about where uid in ({listed})
                 union all select subject_uid, id, cast(1 as bigint) from act
                     where subject_uid in ({listed}) and kind = '{MERGE}') m
             join act a on a.id = m.act_id where a.kind in ({kinds})"
        );
        for row in tx.fetch(sqlx::AssertSqlSafe(sql), uids.iter().map(Param::from).collect()).await? {
            let spans = if row.flag("as_subject")? { &mut away.merged } else { &mut away.moved };
            let span = Span { from_ms: row.get("at_ms")?, until_ms: row.get("undone_ms")? };
            spans.entry(row.get("uid")?).or_default().push(span);
        }
        Ok(away)
    }

    /// Whether a move of that series or instance stood then.
    pub fn was_moved(&self, uid: &str, at_ms: i64) -> bool {
        stood(&self.moved, uid, at_ms)
    }

    /// Whether that study was merged into another then.
    pub fn was_merged(&self, study: &str, at_ms: i64) -> bool {
        stood(&self.merged, study, at_ms)
    }
}

fn stood(spans: &HashMap<String, Vec<Span>>, uid: &str, at_ms: i64) -> bool {
    let mut spans = spans.get(uid).into_iter().flatten();
    spans.any(|span| span.from_ms <= at_ms && span.until_ms.is_none_or(|until_ms| until_ms > at_ms))
}

/// The series that an instance had been moved into by a moment, which the time and number of an act tell; `None`
/// when it was in the one that it names.
pub(crate) async fn series_at(
    tx: &mut Transaction,
    instance: &str,
    (at_ms, id): (i64, i64),
) -> Result<Option<String>> {
    let row = tx
        .fetch_optional(
            "select a.after_json from act a where a.id in (select act_id from act_about where uid = $1)
                 and a.kind in ($2, $3) and (a.at_ms, a.id) < ($4, $5)
                 and not exists (select 1 from act u where u.undoes_id = a.id and (u.at_ms, u.id) < ($4, $5))
             order by a.at_ms desc, a.id desc limit 1",
            params![instance, INSTANCES, PART, at_ms, id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let said: Said = serde_json::from_str(&row.get::<Option<String>>("after_json")?.unwrap_or_default())
        .map_err(|error| Error::Corrupt(format!("what an act moves: {error}")))?;
    Ok(said.series_of(instance).map(|(series, _)| series.to_owned()))
}

/// The instances that acts have taken into a series which was made for them.
pub(crate) async fn taken_into(tx: &mut Transaction, series: &str) -> Result<Vec<String>> {
    let mut instances = Vec::new();
    for act in acts::about(tx, series, &[INSTANCES, PART]).await? {
        let said = Said::of(&act)?;
        let is_taken = |uid: &&String| said.series_of(uid).is_some_and(|(made, _)| made == series);
        instances.extend(said.instances.iter().filter(is_taken).cloned());
    }
    instances.sort_unstable();
    instances.dedup();
    Ok(instances)
}

/// The studies that moves of a series or an instance have led from and to.
pub(crate) async fn studies_of(tx: &mut Transaction, uid: &str) -> Result<Vec<String>> {
    let mut studies = Vec::new();
    for act in acts::about(tx, uid, &ACTS).await? {
        studies.extend([Said::of(&act)?.to, act.subject_uid]);
    }
    Ok(studies)
}
