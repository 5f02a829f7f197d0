//! What is rejected now: study by study, the newest rejection first, and of one study series by series.
//!
//! Rows name the act that hides them, and nothing finds rows by that name: the acts are walked from the newest, and
//! what each still hides is looked for where its subject is.

use std::collections::HashMap;

use pacs_core::access::Scope;
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;

use crate::database::{Database, Param, Row, params, placeholders};
use crate::error::Result;
use crate::exams::search::{self, StudyLine};
use crate::index::instances::{push_scope, push_study_scope};

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

/// Acts that hide, and for each a study of which it hides something, at whatever level it was done; the last of them
/// for a series that was moved away since.
const HIDING: &str =
    "select a.id, a.actor, a.at_ms, a.reason, coalesce(
         (select s.study_id from instance i join series s on s.id = i.series_id
             where i.uid = a.subject_uid and i.rejection_id = a.id),
         (select s.study_id from series s join instance i on i.series_id = s.id
             where s.uid = a.subject_uid and i.rejection_id = a.id limit 1),
         (select s.study_id from study u join series s on s.study_id = u.id join instance i on i.series_id = s.id
             where u.uid = a.subject_uid and i.rejection_id = a.id limit 1),
         (select s.study_id from series s join instance i on i.series_id = s.id
             where s.sent_study_uid = a.subject_uid and i.rejection_id = a.id limit 1)) as study_id
     from act a where a.kind in ('study.reject', 'series.reject', 'instance.reject') and a.id < $1";

/// A page of the studies of which something is rejected, from the act `before` on.
pub async fn studies(database: &Database, scope: &Scope, before: Option<i64>, limit: u32) -> Result<Page> {
    let limit = i64::from(limit.clamp(1, MOST));
    let mut params = params![before.unwrap_or(i64::MAX)];
    // A study stands where its newest rejection is, and nowhere else.
    let mut sql = format!(
        "select h.id, h.actor, h.at_ms, h.reason, h.study_id from ({HIDING}) h where h.id =
             (select max(i.rejection_id) from series s join instance i on i.series_id = s.id
                 where s.study_id = h.study_id)"
    );
    push_scope(&mut sql, &mut params, scope, "(select t.facility from study t where t.id = h.study_id)");
    // One more tells whether there is a next page.
    params.push((limit + 1).into());
    sql.push_str(&format!(" order by h.id desc limit ${}", params.len()));
    let mut rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    if more {
        rows.pop();
    }
    let next = match rows.last() {
        Some(last) if more => Some(last.get("id")?),
        _ => None,
    };
    let ids = rows.iter().map(|row| row.get("study_id")).collect::<Result<Vec<i64>>>()?;
    let mut known = lines(database, &ids).await?;
    let mut items = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(ids) {
        if let Some((study, instances)) = known.remove(&id) {
            items.push(RejectedStudy { study, instances, newest: rejected(row)? });
        }
    }
    Ok(Page { items, next })
}

/// Studies by their rows, each with how many of its instances are rejected.
async fn lines(database: &Database, ids: &[i64]) -> Result<HashMap<i64, (StudyLine, i64)>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select {}, (select count(i.rejection_id) from series s join instance i on i.series_id = s.id
             where s.study_id = t.id) as rejected from study t where t.id in ({})",
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
