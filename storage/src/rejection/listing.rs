//! What is rejected now: study by study, the newest rejection first, and of one study series by series.
//!
//! Rows name the act that hides them, and are found by it wherever they are now: acts that hide nothing any more are
//! not met at all. Who sees one facility may have to pass what is rejected in all others, and waits for a turn as other
//! walks do.

use std::collections::{HashMap, HashSet};

use pacs_core::access::Scope;
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;

use crate::database::{Database, Param, Row, params, placeholders};
use crate::error::Result;
use crate::exams::search::{self, StudyLine};
use crate::index::instances::{push_scope, push_study_scope};
use crate::query::window;

/// Who rejected something, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why; `None` where the act says nothing that is known.
    pub reason: Option<Rejection>,
    /// `Actor::id` of who did it.
    pub actor: String,
    /// When.
    pub at_ms: i64,
}

/// A study of which something is rejected.
#[derive(Debug, Clone)]
pub struct RejectedStudy {
    /// The study; it counts what is shown of it.
    pub study: StudyLine,
    /// How many of its instances are rejected.
    pub instances: i64,
    /// The newest of the acts that have rejected them.
    pub newest: Rejected,
}

/// A page of studies of which something is rejected.
#[derive(Debug, Clone)]
pub struct Page {
    /// The newest rejection first.
    pub items: Vec<RejectedStudy>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// A series of which something is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedSeries {
    /// Series Instance UID.
    pub uid: String,
    /// Series Number.
    pub number: Option<i64>,
    /// Modality.
    pub modality: Option<String>,
    /// Series Description.
    pub description: Option<String>,
    /// How many of its instances are rejected.
    pub instances: i64,
    /// How many are shown.
    pub shown: i64,
    /// The newest of the acts that have rejected them.
    pub newest: Rejected,
}

/// Studies of a page, at most.
const MOST: u32 = 100;
/// Series of which an act hides something, read at a time.
const SERIES: i64 = 200;

/// Acts that hide, each with a series of which it hides something: from the newest on, and behind a place.
const HIDING: &str = "select few.rejection_id, few.series_id, s.study_id from (
         select rejection_id, series_id from instance
         where rejection_id is not null and (rejection_id, series_id) < ($1, $2)
         group by rejection_id, series_id order by rejection_id desc, series_id desc limit $3) few
     join series s on s.id = few.series_id order by few.rejection_id desc, few.series_id desc";

/// A page of the studies of which something is rejected, from the act `before` on. Where an act hides something of
/// several studies, which then were parted, they are on one page, though it has more than `limit`.
pub async fn studies(database: &Database, scope: &Scope, before: Option<i64>, limit: u32) -> Result<Page> {
    let limit = limit.clamp(1, MOST) as usize;
    let (found, next) = newest_first(database, scope, before.unwrap_or(i64::MAX), limit).await?;
    if found.is_empty() {
        return Ok(Page { items: Vec::new(), next });
    }
    let studies: Vec<i64> = found.iter().map(|hidden| hidden.study).collect();
    let mut known = lines(database, &studies).await?;
    let sql =
        format!("select id, actor, at_ms, reason from act where id in ({})", placeholders(1, found.len()));
    let ids = found.iter().map(|hidden| hidden.act.into()).collect();
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), ids).await?;
    let acts = rows.iter().map(|row| Ok((row.get("id")?, rejected(row)?)));
    let acts: HashMap<i64, Rejected> = acts.collect::<Result<_>>()?;
    let mut items = Vec::with_capacity(found.len());
    for Hidden { act, study } in found {
        if let (Some((study, instances)), Some(newest)) = (known.remove(&study), acts.get(&act)) {
            items.push(RejectedStudy { study, instances, newest: newest.clone() });
        }
    }
    Ok(Page { items, next })
}

/// A study, and the newest act that hides something of it.
#[derive(Clone, Copy)]
struct Hidden {
    act: i64,
    study: i64,
}

/// The studies of a page in their order, and the act behind which the next page begins.
async fn newest_first(
    database: &Database,
    scope: &Scope,
    before: i64,
    limit: usize,
) -> Result<(Vec<Hidden>, Option<i64>)> {
    let mut found: Vec<Hidden> = Vec::new();
    let mut met = HashSet::new();
    let mut behind = (before, i64::MIN);
    loop {
        let _turn = window::turn().await;
        let rows = database.fetch(HIDING, params![behind.0, behind.1, SERIES]).await?;
        let mut hiding = Vec::with_capacity(rows.len());
        for row in &rows {
            behind = (row.get("rejection_id")?, row.get("series_id")?);
            hiding.push(Hidden { act: behind.0, study: row.get("study_id")? });
        }
        let others = hiding.iter().map(|hidden| hidden.study).filter(|study| met.insert(*study)).collect();
        let mut newest = newest_of(database, scope, others).await?;
        for hidden in hiding {
            // A study stands where its newest rejection is, and nowhere else.
            if newest.get(&hidden.study) == Some(&hidden.act) {
                newest.remove(&hidden.study);
                found.push(hidden);
            }
        }
        let end = found.get(limit - 1).map(|last| last.act);
        let next = end.filter(|end| found.last().is_some_and(|last| last.act < *end));
        if next.is_some() || i64::try_from(rows.len()).is_ok_and(|count| count < SERIES) {
            found.retain(|hidden| end.is_none_or(|end| hidden.act >= end));
            return Ok((found, next));
        }
    }
}

/// The newest act that hides something of each of these studies, of those within the scope.
async fn newest_of(database: &Database, scope: &Scope, studies: Vec<i64>) -> Result<HashMap<i64, i64>> {
    if studies.is_empty() {
        return Ok(HashMap::new());
    }
    let listed = placeholders(1, studies.len());
    let mut params: Vec<Param> = studies.into_iter().map(Param::from).collect();
    let mut sql = format!(
        "select s.study_id, max(i.rejection_id) as act from study t join series s on s.study_id = t.id
         join instance i on i.series_id = s.id where t.id in ({listed}) and i.rejection_id is not null"
    );
    push_scope(&mut sql, &mut params, scope, "t.facility");
    sql.push_str(" group by s.study_id");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((row.get("study_id")?, row.get("act")?))).collect()
}

/// Studies by their rows, each with how many of its instances are rejected.
async fn lines(database: &Database, ids: &[i64]) -> Result<HashMap<i64, (StudyLine, i64)>> {
    let sql = format!(
        "select {}, (select count(*) from series s join instance i on i.series_id = s.id
             where s.study_id = t.id and i.rejection_id is not null) as rejected from study t where t.id in ({})",
        search::COLUMNS,
        placeholders(1, ids.len())
    );
    let ids = ids.iter().map(|id| Param::from(*id)).collect();
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), ids).await?;
    rows.iter().map(|row| Ok((row.get("id")?, (search::read(row)?, row.get("rejected")?)))).collect()
}

/// A study within the scope, though nothing of it may be shown, with its series of which something is rejected.
pub async fn of_study(
    database: &Database,
    scope: &Scope,
    study: &Uid,
) -> Result<Option<(StudyLine, Vec<RejectedSeries>)>> {
    let mut params = params![study];
    let mut sql = format!("select {} from study t where t.uid = $1", search::COLUMNS);
    push_study_scope(&mut sql, &mut params, scope);
    let Some(row) = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await? else { return Ok(None) };
    let sql =
        "select c.uid, c.number, c.modality, c.description, c.instance_count, n.rejected, a.actor, a.at_ms,
             a.reason
         from (select s.id, count(*) as rejected, max(i.rejection_id) as newest
             from series s join instance i on i.series_id = s.id
             where s.study_id = $1 and i.rejection_id is not null group by s.id) n
         join series c on c.id = n.id join act a on a.id = n.newest order by c.number, c.id";
    let series = database.fetch(sql, params![row.get::<i64>("id")?]).await?;
    let series = series.iter().map(|row| {
        Ok(RejectedSeries {
            uid: row.get("uid")?,
            number: row.get("number")?,
            modality: row.get("modality")?,
            description: row.get("description")?,
            instances: row.get("rejected")?,
            shown: row.get("instance_count")?,
            newest: rejected(row)?,
        })
    });
    Ok(Some((search::read(&row)?, series.collect::<Result<_>>()?)))
}

/// Reads `actor`, `at_ms` and `reason` of an act.
fn rejected(row: &Row) -> Result<Rejected> {
    let reason: Option<String> = row.get("reason")?;
    Ok(Rejected {
        reason: reason.as_deref().and_then(Rejection::of_meaning),
        actor: row.get("actor")?,
        at_ms: row.get("at_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt as _;
    use futures::future::{Either, select};

    use super::*;

    #[tokio::test]
    async fn whoever_asks_waits_for_a_turn() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("sen.db").display());
        let database = Database::open(&url).await.unwrap();
        let mut turns = Vec::new();
        while let Some(turn) = window::turn().now_or_never() {
            turns.push(turn);
        }
        // Time enough for many of its statements.
        let others = pin!(async {
            for _ in 0..100 {
                database.fetch_optional("select 1 from act", params![]).await.unwrap();
            }
        });
        let asked = pin!(studies(&database, &Scope::All, None, 10));
        let Either::Right(((), asked)) = select(asked, others).await else {
            panic!("nothing was waited for")
        };
        drop(turns);
        assert!(asked.await.unwrap().items.is_empty());
    }
}
