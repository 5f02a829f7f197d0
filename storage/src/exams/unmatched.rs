//! Studies that wait for a person to match them, with the exams they may belong to.

use pacs_core::access::Scope;

use super::search::{self, StudyLine};
use super::{Exam, SELECT};
use crate::Result;
use crate::database::{Database, params};
use crate::index::instances::push_scope;

/// A study without an exam.
#[derive(Debug, Clone)]
pub struct Unmatched {
    /// The study; its `unmatched_reason` says why it waits.
    pub study: StudyLine,
    /// Exams without images that it may belong to, the likeliest first.
    pub candidates: Vec<Exam>,
}

/// The newest arrivals that wait.
pub async fn list(database: &Database, scope: &Scope, limit: u32) -> Result<Vec<Unmatched>> {
    let mut params = params![];
    let mut sql = format!(
        "select {} from study t where t.unmatched_reason is not null and t.instance_count > 0",
        search::COLUMNS
    );
    push_scope(&mut sql, &mut params, scope, "t.facility");
    params.push(limit.into());
    sql.push_str(&format!(" order by t.received_ms desc, t.id desc limit ${}", params.len()));
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let mut unmatched = Vec::with_capacity(rows.len());
    for row in &rows {
        let study = search::read(row)?;
        let candidates = candidates(database, &study).await?;
        unmatched.push(Unmatched { study, candidates });
    }
    Ok(unmatched)
}

/// Exams of the study's facility that have no images yet: with its accession number, of its
/// patient, or of its modality on its day.
async fn candidates(database: &Database, study: &StudyLine) -> Result<Vec<Exam>> {
    const MOST: usize = 10;
    let waiting = "s.state in ('requested', 'scheduled', 'arrived', 'ready') and s.facility = $1";
    let mut found: Vec<Exam> = Vec::new();
    let by_number = format!("{SELECT} where o.accession_number = $2 and {waiting} order by s.id limit 10");
    let by_patient = format!("{SELECT} where o.patient_id = $2 and {waiting} order by s.id desc limit 10");
    let by_day = format!(
        "{SELECT} where s.scheduled_date = $2 and s.modality = $3 and {waiting} order by s.scheduled_time, s.id limit 10"
    );
    let mut searches = Vec::new();
    if let Some(number) = &study.accession_number {
        searches.push((by_number, params![&study.facility, number]));
    }
    searches.push((by_patient, params![&study.facility, study.patient_id]));
    if let (Some(date), Some(modality)) = (&study.date, study.modalities.first()) {
        searches.push((by_day, params![&study.facility, date, modality]));
    }
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
