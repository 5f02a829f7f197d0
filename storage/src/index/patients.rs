//! Persons, found by (identifier, issuer): unique in the database, created race-free.

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::{Likeness, PatientIdentifier, compare};
use pacs_core::text;

use super::PatientId;
use super::issuers::Issuer;
use super::studies::spaced;
use crate::database::{Row, Transaction, params};
use crate::{Error, Result};

/// A patient row as an arriving image or order finds it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The row.
    pub id: PatientId,
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
    tx.execute(
        "insert into patient_identifier (issuer_id, identifier, patient_id) values ($1, $2, $3)
         on conflict (issuer_id, identifier) do nothing",
        params![issuer.id, identifier, id],
    )
    .await?;
    insert_words(tx, id, &folded).await?;
    Ok(Found { id, likeness: Likeness::Same })
}

/// Adds another identifier of a patient. A number that already is another patient's stays theirs
/// and is a conflict for a person to solve.
pub async fn add_identifier(
    tx: &mut Transaction,
    id: PatientId,
    issuer: &Issuer,
    identifier: &str,
) -> Result<()> {
    tx.execute(
        "insert into patient_identifier (issuer_id, identifier, patient_id) values ($1, $2, $3)
         on conflict (issuer_id, identifier) do nothing",
        params![issuer.id, identifier, id],
    )
    .await?;
    let owner: i64 = tx
        .fetch_one(
            "select patient_id from patient_identifier where issuer_id = $1 and identifier = $2",
            params![issuer.id, identifier],
        )
        .await?
        .at(0)?;
    if owner == id.0 { Ok(()) } else { Err(Error::Conflict("the number belongs to another patient".into())) }
}

/// Fills in what was not known of a patient: birth date and sex, and the marks of a name that a
/// console had sent without them.
pub async fn complete(
    tx: &mut Transaction,
    id: PatientId,
    given: &PatientAttributes,
    now_ms: i64,
) -> Result<()> {
    let has_marks = !given.name.is_ascii();
    tx.execute(
        "update patient set birth_date = coalesce(birth_date, $2), sex = coalesce(sex, $3),
             name = case when $4 = 1 and name_key = $5 then $6 else name end, revision = revision + 1, updated_ms = $7
         where id = $1 and (birth_date is null or sex is null or ($4 = 1 and name_key = $5 and name <> $6))",
        params![
            id,
            &given.birth_date,
            &given.sex,
            has_marks,
            text::name_key(&given.name),
            &given.name,
            now_ms
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

/// The patient with that identifier, if there is one; every number that a person has leads there.
pub async fn find(
    tx: &mut Transaction,
    identifier: &str,
    issuer: &Issuer,
    sent: &PatientAttributes,
) -> Result<Option<Found>> {
    let row = tx
        .fetch_optional(
            "select p.id, p.name, p.birth_date, p.sex from patient_identifier n
             join patient p on p.id = n.patient_id where n.issuer_id = $1 and n.identifier = $2",
            params![issuer.id, identifier],
        )
        .await?;
    row.map(|row| Ok(Found { id: PatientId(row.get("id")?), likeness: compare(&demographics(&row)?, sent) }))
        .transpose()
}

async fn insert_words(tx: &mut Transaction, id: PatientId, folded: &str) -> Result<()> {
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (0..words.len()).map(|n| format!("(${}, $1)", n + 2)).collect();
    let sql = format!(
        "insert into patient_word (word, patient_id) values {} on conflict (word, patient_id) do nothing",
        rows.join(", ")
    );
    let mut values = params![id];
    values.extend(words.into_iter().map(Into::into));
    tx.execute(sqlx::AssertSqlSafe(sql), values).await.map(drop)
}

/// The words of a name that are indexed; nobody is looked for by the seventeenth.
pub(crate) const MAX_WORDS: usize = 16;
