//! The list of what is to be reconciled, and of what was.

use pacs_core::access::Scope;
use pacs_core::reconciliation::{Answer, Kind, Serve};

use super::DiscrepancyId;
use super::contents::{self, Contents};
use crate::acts::{self, Act};
use crate::corrections::PART;
use crate::database::{Database, Row, params, placeholders};
use crate::exams::Person;
use crate::exams::search::{self, StudyLine};
use crate::identity::record::person;
use crate::identity::{assigning, identifiers, merging};
use crate::index::PatientId;
use crate::index::discrepancies::{self, RECONCILE, SERVE, Said};
use crate::index::instances::push_scope;
use crate::{Error, Result};

/// Which discrepancies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Those that wait, the newest first.
    #[default]
    Open,
    /// Those that were answered, the newest answer first.
    Answered,
}

/// What somebody wants to see.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Waiting or answered.
    pub state: State,
    /// Of these kinds; of all when there are none.
    pub kinds: Vec<Kind>,
    /// At most so many; 100 are given at once.
    pub limit: u32,
    /// Where the page before ended ([`Page::next`]).
    pub cursor: Option<String>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The discrepancies.
    pub items: Vec<Discrepancy>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// A study and what it is at odds with.
#[derive(Debug, Clone)]
pub struct Discrepancy {
    /// The row.
    pub id: DiscrepancyId,
    /// What is at odds.
    pub kind: Kind,
    /// When the instance came that showed it.
    pub found_ms: i64,
    /// The study, with the demographics that it was sent with.
    pub study: StudyLine,
    /// The other side.
    pub other: Other,
    /// What may be said of it.
    pub answers: &'static [Answer],
    /// What was said of it.
    pub answered: Option<Answered>,
}

/// What a study is at odds with.
#[derive(Debug, Clone, Default)]
pub struct Other {
    /// The other patient, where there is a record; for demographics that differ, whose number it is.
    pub patient: Option<(PatientId, Person)>,
    /// How many studies that patient has.
    pub study_count: i64,
    /// What an instance said that contradicts its own study.
    pub said: Option<Said>,
    /// The study that a series came under as well.
    pub study_uid: Option<String>,
    /// Instances with several contents.
    pub contents: Option<Contents>,
}

/// What a person has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What; `None` where something else has settled it: the study was joined to its order, corrected, or images
    /// were moved.
    pub answer: Option<Answer>,
    /// `Actor::id` of who.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// Why.
    pub reason: Option<String>,
}

const MOST: u32 = 100;

/// The columns of a discrepancy `d` beside those of its study.
pub(super) const COLUMNS: &str =
    "d.id as discrepancy_id, d.kind, d.facility as discrepancy_facility, d.study_uid, d.other,
     d.other_patient_id, d.sent, d.found_ms, d.merged_patient_id, d.answer_act_id";

/// A page of what is to be reconciled, or was. [`Error::Conflict`] when the cursor is none.
pub async fn list(database: &Database, scope: &Scope, wanted: &List) -> Result<Page> {
    let (shown, key) = match wanted.state {
        State::Open => ("d.answer_act_id is null", "d.found_ms"),
        State::Answered => ("d.answer_act_id is not null", "d.answer_act_id"),
    };
    let mut values = params![];
    let mut sql = format!(
        "select {COLUMNS}, {} from discrepancy d join study t on t.uid = d.study_uid
         where {shown} and t.instance_count > 0",
        search::COLUMNS
    );
    push_scope(&mut sql, &mut values, scope, "d.facility");
    if !wanted.kinds.is_empty() {
        let list = placeholders(values.len() + 1, wanted.kinds.len());
        sql.push_str(&format!(" and d.kind in ({list})"));
        values.extend(wanted.kinds.iter().map(|kind| kind.as_str().into()));
    }
    if let Some(cursor) = wanted.cursor.as_deref() {
        let (before, id) = read_cursor(cursor)?;
        values.extend(params![before, id]);
        sql.push_str(&format!(" and ({key}, d.id) < (${}, ${})", values.len() - 1, values.len()));
    }
    let limit = usize::try_from(wanted.limit.clamp(1, MOST)).unwrap_or(1);
    // One more tells whether there is a next page.
    values.push((limit as i64 + 1).into());
    sql.push_str(&format!(" order by {key} desc, d.id desc limit ${}", values.len()));
    let mut rows = database.fetch(sqlx::AssertSqlSafe(sql), values).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let column = key.trim_start_matches("d.");
    let next = match rows.last() {
        Some(last) if more => {
            Some(format!("{}.{}", last.get::<i64>(column)?, last.get::<i64>("discrepancy_id")?))
        }
        _ => None,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(read(database, row).await?);
    }
    Ok(Page { items, next })
}

fn read_cursor(cursor: &str) -> Result<(i64, i64)> {
    let (before, id) = cursor.split_once('.').unwrap_or_default();
    match (before.parse(), id.parse()) {
        (Ok(before), Ok(id)) => Ok((before, id)),
        _ => Err(Error::Conflict("the cursor is not one of this list".into())),
    }
}

async fn read(database: &Database, row: &Row) -> Result<Discrepancy> {
    let kind = kind(row)?;
    let key: String = row.get("other")?;
    let said = discrepancies::read_said(row.get("sent")?)?;
    let mut other = Other::default();
    if let Some(patient) = row.get::<Option<i64>>("other_patient_id")?.map(PatientId) {
        (other.patient, other.study_count) = record(database, patient).await?;
    }
    match kind {
        Kind::TwoStudies => other.study_uid = Some(key).filter(|uid| !uid.is_empty()),
        Kind::Conflict => other.contents = contents::of_series(database, &key).await?,
        _ => {}
    }
    let answered = match row.get::<Option<i64>>("answer_act_id")? {
        Some(act) => acts::read_by_id(database, act).await?.map(|act| answered(kind, &act)),
        None => None,
    };
    Ok(Discrepancy {
        id: DiscrepancyId(row.get("discrepancy_id")?),
        kind,
        found_ms: row.get("found_ms")?,
        study: search::read(row)?,
        answers: kind.answers(kind == Kind::DemographicsDiffer && said.is_some()),
        other: Other { said, ..other },
        answered,
    })
}

/// The kind of a row.
pub(super) fn kind(row: &Row) -> Result<Kind> {
    let word: String = row.get("kind")?;
    Kind::parse(&word).ok_or_else(|| Error::Corrupt(format!("a discrepancy is of the unknown kind {word}")))
}

async fn record(database: &Database, patient: PatientId) -> Result<(Option<(PatientId, Person)>, i64)> {
    let row = database
        .fetch_optional(
            "select p.identifier, i.code as issuer, p.name, p.birth_date, p.sex,
                 (select count(*) from study t where t.patient_id = p.id and t.instance_count > 0) as studies
             from patient p join issuer i on i.id = p.issuer_id where p.id = $1",
            params![patient],
        )
        .await?;
    let Some(row) = row else { return Ok((None, 0)) };
    Ok((Some((patient, person(&row)?)), row.get("studies")?))
}

fn answered(kind: Kind, act: &Act) -> Answered {
    let answer = match act.kind.as_str() {
        merging::MERGE | identifiers::IDENTIFY => Some(Answer::SamePerson),
        assigning::ASSIGN if assigning::is_alone(act) => Some(Answer::NewPatient),
        assigning::ASSIGN => Some(Answer::OtherPatient),
        RECONCILE => {
            act.after.as_ref().and_then(|after| serde_json::from_value(after.get("answer")?.clone()).ok())
        }
        PART => Some(Answer::Part),
        // It has answered what only the other content said as well, and is taken back where it was said.
        SERVE if kind == Kind::Conflict => discrepancies::choice_of(act).map(|choice| match choice.serve {
            Serve::First => Answer::ServeFirst,
            Serve::Newest => Answer::ServeNewest,
        }),
        _ => None,
    };
    Answered { answer, by: act.actor.clone(), at_ms: act.at_ms, reason: act.reason.clone() }
}
