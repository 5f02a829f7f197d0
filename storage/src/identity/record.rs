//! The imaging record: one patient's time line, whatever numbers it was made under.

use pacs_core::access::Scope;

use crate::acts::{self, Act};
use crate::database::{Database, Row, params};
use crate::exams::Person;
use crate::exams::search::{self, StudyLine};
use crate::index::{PatientId, belongings};
use crate::{Error, Result};

/// A patient with everything that was made of them.
#[derive(Debug, Clone)]
pub struct Record {
    /// The row: of the survivor when a merged patient was asked for.
    pub id: PatientId,
    /// Who it is.
    pub person: Person,
    /// Every number that leads here.
    pub numbers: Vec<Number>,
    /// Patients who were merged into this one, the newest merger first.
    pub merged: Vec<Merged>,
    /// Studies within the scope, newest first.
    pub studies: Vec<StudyLine>,
}

/// A number of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub identifier: String,
    /// Code of who gave it.
    pub issuer: String,
    /// Whether a patient is registered by it, so that it cannot be taken away.
    pub registered: bool,
}

/// A patient who was merged into another.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The row.
    pub id: PatientId,
    /// Who it was.
    pub person: Person,
    /// Studies that are theirs by their own identifier.
    pub study_count: i64,
    /// `Actor::id` of who merged them.
    pub by: Option<String>,
    /// When.
    pub at_ms: Option<i64>,
    /// Why.
    pub reason: Option<String>,
}

const PERSON: &str = "p.id, p.identifier, i.code as issuer, p.name, p.birth_date, p.sex";

/// The imaging record of a patient; of somebody who was merged into another, the other's. `None` when
/// there is no such patient, or nothing of them within the scope.
pub async fn of(database: &Database, scope: &Scope, patient: PatientId) -> Result<Option<Record>> {
    let Some(id) = belongings::read_survivor(database, patient).await? else { return Ok(None) };
    let studies = search::of_patient(database, scope, id).await?;
    // A study that was requested elsewhere is seen with whose it is.
    if studies.is_empty() && !super::is_in_scope(database, scope, id).await? {
        return Ok(None);
    }
    let sql = format!("select {PERSON} from patient p join issuer i on i.id = p.issuer_id where p.id = $1");
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id]).await?.ok_or(Error::NotFound)?;
    Ok(Some(Record {
        id,
        person: person(&row)?,
        numbers: numbers(database, id).await?,
        merged: merged(database, id).await?,
        studies,
    }))
}

async fn numbers(database: &Database, patient: PatientId) -> Result<Vec<Number>> {
    let rows = database
        .fetch(
            "select n.identifier, i.code,
                 (select count(*) from patient p where p.identifier = n.identifier and p.issuer_id = n.issuer_id)
                     as registered
             from patient_identifier n join issuer i on i.id = n.issuer_id
             where n.patient_id = $1 order by i.code, n.identifier limit 100",
            params![patient],
        )
        .await?;
    let numbers = rows.iter().map(|row| {
        Ok(Number {
            identifier: row.get("identifier")?,
            issuer: row.get("code")?,
            registered: row.flag("registered")?,
        })
    });
    // A patient without an identifier is kept under one that nobody gave.
    numbers.filter(|number| !matches!(number, Ok(number) if number.identifier.starts_with('?'))).collect()
}

async fn merged(database: &Database, patient: PatientId) -> Result<Vec<Merged>> {
    let sql = format!(
        "with recursive into_it (id) as (select p.id from patient p where p.merged_into_id = $1 union
             select p.id from patient p join into_it on p.merged_into_id = into_it.id)
         select {PERSON}, (select count(*) from study t where t.own_patient_id = p.id and t.instance_count > 0)
             as studies
         from into_it join patient p on p.id = into_it.id join issuer i on i.id = p.issuer_id
         order by p.id limit 100"
    );
    let mut merged = Vec::new();
    for row in database.fetch(sqlx::AssertSqlSafe(sql), params![patient]).await? {
        let key = format!("{}^^^{}", row.get::<String>("identifier")?, row.get::<String>("issuer")?);
        let acts = acts::of_subject(database, &key, 20).await?;
        let act: Option<Act> = acts.into_iter().find(|act| act.kind == super::merging::MERGE);
        merged.push(Merged {
            id: PatientId(row.get("id")?),
            person: person(&row)?,
            study_count: row.get("studies")?,
            by: act.as_ref().map(|act| act.actor.clone()),
            at_ms: act.as_ref().map(|act| act.at_ms),
            reason: act.and_then(|act| act.reason),
        });
    }
    merged.sort_by_key(|merged| std::cmp::Reverse(merged.at_ms));
    Ok(merged)
}

/// A patient from the columns `identifier`, `issuer`, `name`, `birth_date` and `sex` of a row. One of whom no
/// identifier is known is kept under one that nobody gave.
pub(crate) fn person(row: &Row) -> Result<Person> {
    let identifier: String = row.get("identifier")?;
    Ok(Person {
        id: if identifier.starts_with('?') { String::new() } else { identifier },
        issuer: row.get("issuer")?,
        name: row.get("name")?,
        birth_date: row.get("birth_date")?,
        sex: row.get("sex")?,
    })
}
