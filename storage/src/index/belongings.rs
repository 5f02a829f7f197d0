//! What belongs to patients: studies, orders and identifiers, by their own identifier and since merges.
//!
//! `patient_id` says whose a row is now, which every list goes by. `own_patient_id` is set while that is
//! somebody else than its own identifier (or a person's act on it) says, so that undoing a merge puts
//! everything back, also what came in between.

use super::{PatientId, StudyId};
use crate::Result;
use crate::database::{Database, Transaction, params};
use crate::dialect;

/// The tables of what belongs to patients.
const TABLES: [&str; 3] = ["patient_identifier", "study", "order_"];
/// Mergers of mergers are followed so often.
const MOST_MERGERS: usize = 64;

/// Locks patients with their identifiers, so that nothing is filed with them until the commit.
pub(crate) async fn lock(tx: &mut Transaction, patients: &[PatientId]) -> Result<()> {
    let mut patients = patients.to_vec();
    patients.sort_unstable();
    // Identifiers first, as whoever files something holds them first.
    for sql in [
        "select identifier from patient_identifier where patient_id = $1 order by issuer_id, identifier",
        "select id from patient where id = $1",
    ] {
        let sql = format!("{sql}{}", dialect::for_update(tx.engine()));
        for patient in &patients {
            tx.fetch(sqlx::AssertSqlSafe(sql.as_str().to_owned()), params![*patient]).await?;
        }
    }
    Ok(())
}

/// Whom a patient has been merged into, through all mergers; the patient itself when nobody.
pub(crate) async fn survivor(tx: &mut Transaction, patient: PatientId) -> Result<PatientId> {
    let mut now = patient;
    for _ in 0..MOST_MERGERS {
        let sql = "select merged_into_id from patient where id = $1";
        let Some(into) = tx.fetch_one(sql, params![now]).await?.get::<Option<i64>>("merged_into_id")? else {
            break;
        };
        now = PatientId(into);
    }
    Ok(now)
}

/// The same, read beside whoever writes; `None` when there is no such patient.
pub(crate) async fn read_survivor(database: &Database, patient: PatientId) -> Result<Option<PatientId>> {
    let sql = format!(
        "with recursive so_far (id, mergers) as (select id, 0 from patient where id = $1 union all
             select p.merged_into_id, so_far.mergers + 1 from patient p join so_far on p.id = so_far.id
             where p.merged_into_id is not null and so_far.mergers < {MOST_MERGERS})
         select id from so_far order by mergers desc limit 1"
    );
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![patient]).await?;
    row.map(|row| Ok(PatientId(row.get("id")?))).transpose()
}

/// Gives everything of a patient to the one into whom it is merged.
pub(crate) async fn give(tx: &mut Transaction, from: PatientId, into: PatientId) -> Result<()> {
    for table in TABLES {
        let sql = format!(
            "update {table} set own_patient_id = coalesce(own_patient_id, patient_id), patient_id = $2
             where patient_id = $1"
        );
        tx.execute(sqlx::AssertSqlSafe(sql), params![from, into]).await?;
    }
    note_registered(tx, Studies::GivenTo(into)).await
}

/// Gives a patient, who is merged into nobody any more, back what belongs to it and to those who are
/// merged into it.
pub(crate) async fn take_back(tx: &mut Transaction, patient: PatientId) -> Result<()> {
    for table in TABLES {
        let sql = format!(
            "with recursive of_it (id) as (select cast($1 as bigint) as id union
                 select p.id from patient p join of_it on p.merged_into_id = of_it.id)
             update {table} set patient_id = $1,
                 own_patient_id = case when own_patient_id = $1 then null else own_patient_id end
             where own_patient_id in (select id from of_it)"
        );
        tx.execute(sqlx::AssertSqlSafe(sql), params![patient]).await?;
    }
    note_registered(tx, Studies::Of(patient)).await
}

/// Files a study with a patient: with whoever that one is merged into.
pub(crate) async fn file(tx: &mut Transaction, study: StudyId, own: PatientId) -> Result<()> {
    let now = survivor(tx, own).await?;
    let own = (own != now).then_some(own.0);
    tx.execute(
        "update study set patient_id = $2, own_patient_id = $3, revision = revision + 1 where id = $1",
        params![study, now, own],
    )
    .await?;
    note_registered(tx, Studies::One(study)).await
}

/// Studies whose patient, or whose number as sent, has become another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Studies {
    One(StudyId),
    /// All of a patient.
    Of(PatientId),
    /// Those that a patient has by mergers. What was the survivor's own is let alone, or a merge would wait for all that
    /// is done to any of it.
    GivenTo(PatientId),
}

/// Notes in the rows of studies the number that their patient is registered by, where they came with another: lists
/// tell it of every study. A patient's own number never changes.
pub(super) async fn note_registered(tx: &mut Transaction, studies: Studies) -> Result<()> {
    let (which, id) = match studies {
        Studies::One(study) => ("id = $1", study.0),
        Studies::Of(patient) => ("patient_id = $1", patient.0),
        Studies::GivenTo(patient) => ("patient_id = $1 and own_patient_id is not null", patient.0),
    };
    let sql = format!(
        "update study set (registered_identifier, registered_issuer) =
             (select p.identifier, j.code from patient p join issuer j on j.id = p.issuer_id
              where p.id = study.patient_id and substr(p.identifier, 1, 1) <> '?'
                  and (p.identifier <> study.patient_identifier or j.code <> study.patient_issuer))
         where {which}"
    );
    tx.execute(sqlx::AssertSqlSafe(sql), params![id]).await.map(drop)
}
