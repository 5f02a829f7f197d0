//! What people had moved away by a time: a deletion of that time of where it was sent to does not mean it.

use std::collections::{BTreeSet, HashMap};

use super::{ACTS, MERGE};
use crate::Result;
use crate::database::{Param, Transaction, placeholders};

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
