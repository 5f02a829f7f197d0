//! Studies that wait for a person to match them, with the exams they may belong to.

use pacs_core::access::Scope;

use super::search::{self, StudyLine};
use super::{Exam, SELECT};
use crate::Result;
use crate::database::{Database, Param, params};
use crate::index::instances::push_scope;

/// A study without an exam.
#[derive(Debug, Clone)]
pub struct Unmatched {
    /// The study; its `unmatched_reason` says why it waits.
    pub study: StudyLine,
    /// Exams without images that it may belong to, the likeliest first.
    pub candidates: Vec<Exam>,
}

/// A page of what waits.
#[derive(Debug, Clone)]
pub struct Page {
    /// The newest arrivals first.
    pub items: Vec<Unmatched>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// Studies of a page, at most.
const PAGE_MOST: u32 = 100;

/// A page of what waits, the newest arrivals first. [`crate::Error::Conflict`] when the cursor is none.
pub async fn list(database: &Database, scope: &Scope, cursor: Option<&str>, limit: u32) -> Result<Page> {
    let mut params = params![];
    let mut sql = format!(
        "select {} from study t where t.unmatched_reason is not null and t.instance_count > 0",
        search::COLUMNS
    );
    push_scope(&mut sql, &mut params, scope, "t.facility");
    if let Some(cursor) = cursor {
        let (received_ms, id) = search::read_cursor(cursor)?;
        params.extend(params![received_ms, id]);
        sql.push_str(&format!(" and (t.received_ms, t.id) < (${}, ${})", params.len() - 1, params.len()));
    }
    let limit = i64::from(limit.clamp(1, PAGE_MOST));
    // One more tells whether there is a next page.
    params.push((limit + 1).into());
    sql.push_str(&format!(" order by t.received_ms desc, t.id desc limit ${}", params.len()));
    let mut rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    if more {
        rows.pop();
    }
    let next = match rows.last() {
        Some(last) if more => Some(format!("{}.{}", last.get::<i64>("received_ms")?, last.get::<i64>("id")?)),
        _ => None,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let study = search::read(row)?;
        let candidates = candidates(database, scope, &study).await?;
        items.push(Unmatched { study, candidates });
    }
    Ok(Page { items, next })
}

/// Exams that have no images yet: with the study's accession number or of its patient, in whichever facility of the
/// scope, its own first; or in its own of its modality on its day.
async fn candidates(database: &Database, scope: &Scope, study: &StudyLine) -> Result<Vec<Exam>> {
    const MOST: usize = 10;
    let waiting = "s.state in ('requested', 'scheduled', 'arrived', 'ready')";
    let own_first = "case when s.facility = $1 then 0 else 1 end";
    let mut searches = Vec::new();
    let mut by = |condition: &str, order: &str, params: Vec<Param>| {
        let mut params = params;
        let mut sql = format!("{SELECT} where {condition} and {waiting}");
        push_scope(&mut sql, &mut params, scope, "s.facility");
        sql.push_str(&format!(" order by {order} limit {MOST}"));
        searches.push((sql, params));
    };
    if let Some(number) = &study.accession_number {
        let order = format!("{own_first}, s.id");
        by("o.accession_number = $2", &order, params![&study.facility, number]);
    }
    let order = format!("{own_first}, s.id desc");
    by("o.patient_id = $2", &order, params![&study.facility, study.patient_id]);
    if let (Some(date), Some(modality)) = (&study.date, study.modalities.first()) {
        let condition = "s.facility = $1 and s.scheduled_date = $2 and s.modality = $3";
        by(condition, "s.scheduled_time, s.id", params![&study.facility, date, modality]);
    }
    let mut found: Vec<Exam> = Vec::new();
    for (sql, params) in searches {
        for row in database.fetch(sqlx::AssertSqlSafe(sql), params).await? {
            let exam = super::read(&row)?;
            if found.len() < MOST && found.iter().all(|other| other.id != exam.id) {
                found.push(exam);
            }
        }
    }
    Ok(found)
}
