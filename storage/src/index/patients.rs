//! Persons, found by (identifier, issuer): unique in the database, created race-free.

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::{Likeness, PatientIdentifier, compare, is_year_alone};
use pacs_core::text;

use super::PatientId;
use super::issuers::Issuer;
use super::name_words;
use super::studies::spaced;
use crate::database::{Row, Transaction, params};
use crate::{Error, Result, dialect};

/// A patient row as an arriving image or order finds it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The row; of a patient who was merged into another, the other's.
    pub id: PatientId,
    /// Whose the identifier was before a merge, where it is another's now.
    pub own: Option<PatientId>,
    /// Whether what was sent contradicts what is known.
    pub likeness: Likeness,
}

/// The patient with that identifier, made from `sent` when nobody has it yet. Safe to race: the
/// unique constraint decides, and the loser reads the winner's row.
pub async fn ensure(
    tx: &mut Transaction,
    identifier: &str,
    issuer: &Issuer,
    sent: &PatientAttributes,
    now_ms: i64,
) -> Result<Found> {
    if let Some(found) = find(tx, identifier, issuer, sent).await? {
        return Ok(found);
    }
    let folded = text::fold(&sent.name);
    let made = tx
        .fetch_optional(
            "insert into patient (identifier, issuer_id, name, folded_name, name_key, birth_date, sex,
                 revision, created_ms, updated_ms)
             values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)
             on conflict (identifier, issuer_id) do nothing returning id",
            params![
                identifier,
                issuer.id,
                &sent.name,
                spaced(&folded),
                text::name_key(&sent.name),
                &sent.birth_date,
                &sent.sex,
                now_ms
            ],
        )
        .await?;
    let Some(row) = made else {
        return find(tx, identifier, issuer, sent).await?.ok_or(Error::NotFound);
    };
    let id = PatientId(row.get("id")?);
    claim(tx, (id, None), issuer, identifier).await?;
    name_words::insert_patient(tx, id, &folded).await?;
    Ok(Found { id, own: None, likeness: Likeness::Same })
}

/// Adds another identifier of a patient. A number that already is another patient's stays theirs
/// and is a conflict for a person to solve.
pub async fn add_identifier(
    tx: &mut Transaction,
    id: PatientId,
    issuer: &Issuer,
    identifier: &str,
) -> Result<()> {
    let owner = claim(tx, (id, None), issuer, identifier).await?;
    if owner == id { Ok(()) } else { Err(Error::Conflict("the number belongs to another patient".into())) }
}

/// Makes a number a patient's unless it is somebody's already; whose it is then. `own` is who is merged
/// into that patient and would keep the number.
pub(crate) async fn claim(
    tx: &mut Transaction,
    (id, own): (PatientId, Option<PatientId>),
    issuer: &Issuer,
    identifier: &str,
) -> Result<PatientId> {
    tx.execute(
        "insert into patient_identifier (issuer_id, identifier, patient_id, own_patient_id)
         values ($1, $2, $3, $4) on conflict (issuer_id, identifier) do nothing",
        params![issuer.id, identifier, id, own.map(|id| id.0)],
    )
    .await?;
    let sql = "select patient_id from patient_identifier where issuer_id = $1 and identifier = $2";
    Ok(PatientId(tx.fetch_one(sql, params![issuer.id, identifier]).await?.at(0)?))
}

/// Fills in what was not known of a patient: birth date and sex, the day of a birth of which only the
/// year was known, and the marks of a name that a console had sent without them.
pub async fn complete(
    tx: &mut Transaction,
    id: PatientId,
    given: &PatientAttributes,
    now_ms: i64,
) -> Result<()> {
    // As `identity::is_year_alone` says it.
    const BETTER: &str = "($2 is not null and (birth_date is null or ($8 = 1 and birth_date <> $2
         and substr(birth_date, 1, 4) = substr($2, 1, 4)
         and (length(birth_date) = 4 or (length(birth_date) = 8 and substr(birth_date, 5) = '0101')))))";
    let has_marks = !given.name.is_ascii();
    let has_day = given.birth_date.as_deref().is_some_and(|date| !is_year_alone(date));
    let sql = format!(
        "update patient set birth_date = case when {BETTER} then $2 else birth_date end, sex = coalesce(sex, $3),
             name = case when $4 = 1 and name_key = $5 then $6 else name end, revision = revision + 1, updated_ms = $7
         where id = $1 and ({BETTER} or sex is null or ($4 = 1 and name_key = $5 and name <> $6))"
    );
    tx.execute(
        sqlx::AssertSqlSafe(sql),
        params![
            id,
            &given.birth_date,
            &given.sex,
            has_marks,
            text::name_key(&given.name),
            &given.name,
            now_ms,
            has_day
        ],
    )
    .await
    .map(drop)
}

/// Every identifier of a patient.
pub async fn identifiers(tx: &mut Transaction, id: PatientId) -> Result<Vec<PatientIdentifier>> {
    let rows = tx
        .fetch(
            "select p.identifier, i.code from patient_identifier p join issuer i on i.id = p.issuer_id
             where p.patient_id = $1 order by i.code, p.identifier limit 100",
            params![id],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(PatientIdentifier { value: row.get("identifier")?, issuer: row.get("code")? }))
        .collect()
}

/// Demographics from the columns `name`, `birth_date`, `sex` of a row.
pub(crate) fn demographics(row: &Row) -> Result<PatientAttributes> {
    Ok(PatientAttributes {
        name: row.get("name")?,
        birth_date: row.get("birth_date")?,
        sex: row.get("sex")?,
        ..PatientAttributes::default()
    })
}

/// The patient with that identifier, if there is one; every number that a person has leads there. Until
/// the commit the number stays theirs, so that no merge passes by what is being filed.
pub async fn find(
    tx: &mut Transaction,
    identifier: &str,
    issuer: &Issuer,
    sent: &PatientAttributes,
) -> Result<Option<Found>> {
    let sql = format!(
        "select patient_id, own_patient_id from patient_identifier where issuer_id = $1 and identifier = $2{}",
        dialect::for_share(tx.engine())
    );
    let held = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![issuer.id, identifier]).await?;
    let Some(held) = held else { return Ok(None) };
    let id = PatientId(held.get("patient_id")?);
    let own = held.get::<Option<i64>>("own_patient_id")?.map(PatientId);
    let mut likeness = likeness(tx, id, sent).await?;
    if let (Likeness::Doubtful, Some(own)) = (likeness, own) {
        // What comes late under a number that was merged away still has the name that went with it.
        likeness = self::likeness(tx, own, sent).await?;
    }
    Ok(Some(Found { id, own, likeness }))
}

async fn likeness(tx: &mut Transaction, id: PatientId, sent: &PatientAttributes) -> Result<Likeness> {
    let row = tx.fetch_one("select name, birth_date, sex from patient where id = $1", params![id]).await?;
    Ok(compare(&demographics(&row)?, sent))
}
