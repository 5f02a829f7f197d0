//! Performed steps as people see them.

use pacs_core::access::Scope;
use pacs_core::mpps::State;
use pacs_core::uid::Uid;

use crate::database::{Database, Param, Row, params};
use crate::exams::ExamId;
use crate::index::instances::{push_scope, uid};
use crate::{Error, Result};

/// More than consoles report of one exam.
const MOST: u32 = 50;

/// What a console has reported of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its UID.
    pub uid: Uid,
    /// Where it stands.
    pub state: State,
    /// Whether it was of another worklist entry than the one that was meant.
    pub is_wrong_entry: bool,
    /// Whether it is for an exam of the worklist.
    pub has_exam: bool,
    /// The title that the console has as a station.
    pub station_ae: String,
    /// The name of the console.
    pub station_name: Option<String>,
    /// What it makes.
    pub modality: String,
    /// What was done, in the console's words.
    pub description: Option<String>,
    /// Begin: date and time as sent, on the wall of the facility.
    pub start: (String, String),
    /// End, likewise.
    pub end: Option<(String, String)>,
    /// Why it was broken off.
    pub reason: Option<String>,
    /// Comments on Radiation Dose (0040,0310).
    pub dose: Option<String>,
    /// Series, and instances of them, that it says it made.
    pub series: i64,
    /// The instances.
    pub instances: i64,
    /// Zone of the wall, as an IANA name.
    pub time_zone: String,
}

/// The performed steps of an exam that the scope sees, the oldest first.
pub async fn of_exam(database: &Database, scope: &Scope, exam: ExamId) -> Result<Vec<Line>> {
    let ids = "select q.performed_step_id from performed_request q where q.scheduled_step_id = $1";
    of(database, scope, ids, params![exam]).await
}

/// The performed steps that were for a study or made series of it, the oldest first.
pub async fn of_study(database: &Database, scope: &Scope, study: &Uid) -> Result<Vec<Line>> {
    let ids = "select q.performed_step_id from performed_request q where q.study_uid = $1
         union select z.performed_step_id from study t join series s on s.study_id = t.id
             join performed_series z on z.series_uid = s.uid where t.uid = $1";
    of(database, scope, ids, params![study]).await
}

async fn of(database: &Database, scope: &Scope, ids: &str, mut params: Vec<Param>) -> Result<Vec<Line>> {
    let mut sql = format!(
        "select p.uid, p.state, p.wrong_entry, p.station_ae, p.station_name, p.modality, p.description, p.start_date,
             p.start_time, p.end_date, p.end_time, p.reason, p.dose, f.time_zone,
             (select count(*) from performed_request r where r.performed_step_id = p.id
                 and r.scheduled_step_id is not null) as exams,
             (select count(*) from performed_series z where z.performed_step_id = p.id) as series_count,
             (select cast(coalesce(sum(z.instance_count), 0) as bigint) from performed_series z
                 where z.performed_step_id = p.id) as instance_count
         from performed_step p join facility f on f.code = p.facility where p.id in ({ids})"
    );
    push_scope(&mut sql, &mut params, scope, "p.facility");
    sql.push_str(&format!(" order by p.id limit {MOST}"));
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Line> {
    let word: String = row.get("state")?;
    let end: (Option<String>, Option<String>) = (row.get("end_date")?, row.get("end_time")?);
    Ok(Line {
        uid: uid(row, "uid")?,
        state: State::parse(&word)
            .ok_or_else(|| Error::Corrupt(format!("a performed step in the unknown state {word}")))?,
        is_wrong_entry: row.flag("wrong_entry")?,
        has_exam: row.get::<i64>("exams")? > 0,
        station_ae: row.get("station_ae")?,
        station_name: row.get("station_name")?,
        modality: row.get("modality")?,
        description: row.get("description")?,
        start: (row.get("start_date")?, row.get("start_time")?),
        end: end.0.zip(end.1),
        reason: row.get("reason")?,
        dose: row.get("dose")?,
        series: row.get("series_count")?,
        instances: row.get("instance_count")?,
        time_zone: row.get("time_zone")?,
    })
}
