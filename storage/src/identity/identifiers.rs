//! Other numbers of a patient: linked by a person, and taken away again.

use pacs_core::access::{Actor, Scope};
use pacs_core::attributes::PatientAttributes;
use serde_json::json;

use super::{Named, assigning, check_scope, tell};
use crate::acts::{self, Act, NewAct};
use crate::database::{Database, Durability, Transaction, params};
use crate::index::issuers::{self, Issuer, IssuerKind};
use crate::index::{PatientId, StudyId, belongings, patients};
use crate::{Error, Result};

/// The act that adds a number.
pub(crate) const IDENTIFY: &str = "patient.identify";
/// The act that takes it away.
pub(crate) const UNIDENTIFY: &str = "patient.unidentify";

pub(super) const PATIENT: &str = "patient";
pub(super) const NUMBER: &str = "number";

/// A number with the code of who gave it.
#[derive(Debug, Clone, Copy)]
pub struct Number<'a> {
    /// The number.
    pub identifier: &'a str,
    /// Code of its issuer.
    pub issuer: &'a str,
}

/// Adds a number to a patient. [`Error::Conflict`] when it is somebody else's: these are to be merged;
/// or when nobody issues numbers under that code.
pub async fn link(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    patient: PatientId,
    number: Number<'_>,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    link_within(&mut tx, scope, actor, patient, number, reason, now_ms).await?;
    tell(&mut tx, patient, now_ms).await?;
    tx.commit().await
}

/// The same within a transaction; answers the act's number.
pub(crate) async fn link_within(
    tx: &mut Transaction,
    scope: &Scope,
    actor: &Actor,
    patient: PatientId,
    number: Number<'_>,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<i64> {
    let named = Named::of(tx, patient).await?;
    check_scope(tx, scope, patient).await?;
    let issuer = issuer(tx, number.issuer).await?;
    if of_patient(tx, patient, &issuer, number.identifier).await? {
        return Err(Error::Conflict("the patient has this number already".into()));
    }
    patients::add_identifier(tx, patient, &issuer, number.identifier).await?;
    record(tx, IDENTIFY, (actor, reason), &named, (number.identifier, &issuer), now_ms).await
}

/// Takes a number away from a patient; studies that came under it are another's from then on.
/// [`Error::Conflict`] for the number that the patient is registered by, [`Error::NotFound`] for one
/// that the patient does not have.
pub async fn unlink(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    patient: PatientId,
    number: Number<'_>,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    unlink_within(&mut tx, scope, actor, patient, number, reason, now_ms).await?;
    tell(&mut tx, patient, now_ms).await?;
    tx.commit().await
}

/// The same within a transaction.
pub(crate) async fn unlink_within(
    tx: &mut Transaction,
    scope: &Scope,
    actor: &Actor,
    patient: PatientId,
    number: Number<'_>,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let named = Named::of(tx, patient).await?;
    check_scope(tx, scope, patient).await?;
    let issuer = issuer(tx, number.issuer).await?;
    if !of_patient(tx, patient, &issuer, number.identifier).await? {
        return Err(Error::NotFound);
    }
    take(tx, patient, &issuer, number.identifier, now_ms).await?;
    record(tx, UNIDENTIFY, (actor, reason), &named, (number.identifier, &issuer), now_ms).await.map(drop)
}

/// Whether a person has taken that number away from a patient, and nobody has given it back since.
pub(crate) async fn was_taken(
    tx: &mut Transaction,
    patient: PatientId,
    issuer: &Issuer,
    identifier: &str,
) -> Result<bool> {
    let key = Named::of(tx, patient).await?.key();
    let said = acts::of_kinds(tx, &key, &[IDENTIFY, UNIDENTIFY]).await?;
    let newest = said.iter().find(|act| {
        let of = |key: &str| act.after.as_ref()?.get(NUMBER)?.get(key)?.as_str();
        of("identifier") == Some(identifier) && of("issuer") == Some(&issuer.code)
    });
    Ok(newest.is_some_and(|act| act.kind == UNIDENTIFY))
}

async fn issuer(tx: &mut Transaction, code: &str) -> Result<Issuer> {
    let found = issuers::named(tx, code).await?;
    found.ok_or_else(|| Error::Conflict("nobody issues identifiers under that code".into()))
}

async fn of_patient(
    tx: &mut Transaction,
    patient: PatientId,
    issuer: &Issuer,
    identifier: &str,
) -> Result<bool> {
    let sql = "select 1 from patient_identifier where issuer_id = $1 and identifier = $2 and patient_id = $3";
    Ok(tx.fetch_optional(sql, params![issuer.id, identifier, patient]).await?.is_some())
}

async fn take(
    tx: &mut Transaction,
    patient: PatientId,
    issuer: &Issuer,
    identifier: &str,
    now_ms: i64,
) -> Result<()> {
    let primary = tx
        .fetch_optional(
            "select 1 from patient where identifier = $1 and issuer_id = $2",
            params![identifier, issuer.id],
        )
        .await?;
    if primary.is_some() {
        return Err(Error::Conflict("a patient is registered by this number: take the merge back".into()));
    }
    belongings::lock(tx, &[patient]).await?;
    tx.execute(
        "delete from patient_identifier where issuer_id = $1 and identifier = $2 and patient_id = $3",
        params![issuer.id, identifier, patient],
    )
    .await?;
    let studies = tx
        .fetch(
            "select id, uid, patient_name as name, birth_date, sex from study
             where patient_identifier = $1 and patient_issuer = $2 and patient_id = $3 order by received_ms, id",
            params![identifier, &issuer.code, patient],
        )
        .await?;
    for row in &studies {
        if assigning::assigned(tx, &row.get::<String>("uid")?, now_ms).await?.is_some() {
            // It is theirs because somebody has said so, not by that number.
            continue;
        }
        let sent = PatientAttributes { id: identifier.to_owned(), ..patients::demographics(row)? };
        let found = patients::ensure(tx, identifier, issuer, &sent, now_ms).await?;
        belongings::file(tx, StudyId(row.get("id")?), found.id).await?;
    }
    Ok(())
}

async fn record(
    tx: &mut Transaction,
    kind: &str,
    (actor, reason): (&Actor, Option<&str>),
    patient: &Named,
    (identifier, issuer): (&str, &Issuer),
    now_ms: i64,
) -> Result<i64> {
    let sql = "select kind from issuer where id = $1";
    let issuer_kind: String = tx.fetch_one(sql, params![issuer.id]).await?.get("kind")?;
    let number = json!({ "identifier": identifier, "issuer": issuer.code, "issuerKind": issuer_kind });
    let note = NewAct {
        kind,
        actor: &actor.id,
        subject_kind: "patient",
        subject_uid: &patient.key(),
        reason,
        before: None,
        after: Some(json!({ PATIENT: patient, NUMBER: number })),
        undoes: None,
    };
    acts::record(tx, &note, now_ms).await
}

/// Does once more what an act did whose row had been lost.
pub(crate) async fn again(tx: &mut Transaction, act: &Act) -> Result<()> {
    let patient = Named::in_act(act, PATIENT)?.ensure(tx, act.at_ms).await?;
    let patient = belongings::survivor(tx, patient).await?;
    let of = |key: &str| act.after.as_ref()?.get(NUMBER)?.get(key)?.as_str();
    let (Some(identifier), Some(code), Some(kind)) = (of("identifier"), of("issuer"), of("issuerKind"))
    else {
        return Err(Error::Corrupt(format!("act {} does not say which number", act.id)));
    };
    let issuer = issuers::ensure(tx, code, IssuerKind::parse(kind)?).await?;
    let done = if act.kind == IDENTIFY {
        patients::claim(tx, (patient, None), &issuer, identifier).await.map(drop)
    } else if of_patient(tx, patient, &issuer, identifier).await? {
        take(tx, patient, &issuer, identifier, act.at_ms).await
    } else {
        Ok(())
    };
    match done {
        Err(Error::Conflict(_)) => Ok(()),
        done => done,
    }
}
