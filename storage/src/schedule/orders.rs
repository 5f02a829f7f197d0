//! Writing an order: patient, order, requested procedure and scheduled step in one commit.

use pacs_core::access::Actor;
use pacs_core::attributes::PatientAttributes;
use pacs_core::exam::StepState;
use pacs_core::identity::{INSURANCE_ISSUER, Likeness, NATIONAL_ISSUER};
use pacs_core::uid::{AeTitle, Uid};

use crate::catalogue::Procedure;
use crate::database::{Database, Durability, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::events::{self, EventKind, NewEvent};
use crate::exams::{self, Exam, ExamId, matching};
use crate::index::facilities::{self, Facility};
use crate::index::issuers::{self, Issuer, IssuerKind};
use crate::index::{PatientId, patients};
use crate::schedule::numbers::{self, Counter};
use crate::{Error, Result};

/// An order to be written. Text has been checked by the door.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Code of the facility that performs it.
    pub facility: String,
    /// Whom it is for.
    pub patient: OrderPatient,
    /// Number of the order at whoever asks for it; the facility's next number when there is none.
    pub accession_number: Option<String>,
    /// What is asked for.
    pub procedure: Procedure,
    /// The device, when one was chosen.
    pub station_ae: Option<AeTitle>,
    /// Code of the room, when one was chosen.
    pub room: Option<String>,
    /// `yyyymmdd` on the facility's wall.
    pub scheduled_date: String,
    /// `hhmmss` on the facility's wall.
    pub scheduled_time: String,
    /// Who asks for it.
    pub referring_physician: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Whether it cannot wait.
    pub emergency: bool,
}

/// Whom an order is for. Without an identifier the patient is found by the national or insurance
/// number, or registered anew under the facility's next number.
#[derive(Debug, Clone, Default)]
pub struct OrderPatient {
    /// Identifier of a known patient.
    pub id: Option<String>,
    /// Code of its issuer; the facility's own when there is none.
    pub issuer: Option<String>,
    /// PN, or a name as people write it.
    pub name: String,
    /// `yyyymmdd`.
    pub birth_date: Option<String>,
    /// `M`, `F` or `O`.
    pub sex: Option<String>,
    /// National personal identification number.
    pub national_id: Option<String>,
    /// Number of the health insurance card.
    pub insurance_id: Option<String>,
}

/// Writes an order; images that were waiting for its accession number are matched in the same
/// commit. [`Error::Conflict`] when a number given is another patient's.
pub async fn create_order(database: &Database, order: &NewOrder, actor: &Actor, now_ms: i64) -> Result<Exam> {
    let mut collisions = Collisions::default();
    loop {
        match try_create(database, order, actor, now_ms).await {
            Err(Error::Conflict(why)) if collisions.again(&why) => {}
            done => return done,
        }
    }
}

async fn try_create(database: &Database, order: &NewOrder, actor: &Actor, now_ms: i64) -> Result<Exam> {
    let mut tx = database.begin(Durability::Synced).await?;
    let facility = facilities::ensure(&mut tx, &order.facility).await?;
    let patient = patient(&mut tx, &order.patient, &facility, now_ms).await?;
    let (order_id, accession_number) =
        write_numbered(&mut tx, order, &facility, patient, &actor.id, now_ms).await?;
    let procedure_number = Counter::of("requested_procedure").next(&mut tx).await?;
    let row = tx
        .fetch_one(
            "insert into requested_procedure (order_id, procedure_id, study_uid, code, name)
             values ($1, $2, $3, $4, $5) returning id",
            params![
                order_id,
                format!("RP{procedure_number}"),
                &Uid::generate(rand::random()),
                &order.procedure.code,
                &order.procedure.name
            ],
        )
        .await?;
    let state = StepState::waiting(order.station_ae.is_some() || order.room.is_some());
    let step_number = Counter::of("scheduled_step").next(&mut tx).await?;
    let row = tx
        .fetch_one(
            "insert into scheduled_step (requested_procedure_id, step_id, facility, modality, station_ae, room,
                 scheduled_date, scheduled_time, state, revision, updated_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10) returning id",
            params![
                row.get::<i64>("id")?,
                format!("SPS{step_number}"),
                &facility.code,
                &order.procedure.modality,
                order.station_ae.as_ref().map(AeTitle::as_str),
                &order.room,
                &order.scheduled_date,
                &order.scheduled_time,
                state.as_str(),
                now_ms
            ],
        )
        .await?;
    let id = ExamId(row.get("id")?);
    let matched = matching::on_order(&mut tx, &accession_number, now_ms).await?;
    let exam = exams::within(&mut tx, id).await?;
    let of = |kind| NewEvent { facility: Some(&exam.facility), exam_id: Some(id.0), ..NewEvent::new(kind) };
    let mut happened = vec![of(EventKind::OrderCreated), of(EventKind::ExamChanged)];
    if matched {
        happened.push(of(EventKind::UnmatchedChanged));
    }
    events::append(&mut tx, now_ms, &happened).await?;
    tx.commit().await?;
    Ok(exam)
}

/// Writes the order's row, under the number given or else the facility's next that no order has. Answers the row and
/// the number.
async fn write_numbered(
    tx: &mut Transaction,
    order: &NewOrder,
    facility: &Facility,
    patient: (PatientId, Option<PatientId>),
    actor: &str,
    now_ms: i64,
) -> Result<(i64, String)> {
    let by = (actor, now_ms);
    if let Some(given) = &order.accession_number {
        let written = write(tx, order, facility, patient, given, by).await?;
        let taken = || Error::Conflict(format!("there is an order {given} already"));
        return Ok((written.ok_or_else(taken)?, given.clone()));
    }
    let (mut counter, day) = numbers::of_orders(facility, now_ms);
    loop {
        let number = format!("{day}{:05}", counter.next(tx).await?);
        if let Some(id) = write(tx, order, facility, patient, &number, by).await? {
            return Ok((id, number));
        }
    }
}

/// Writes the order's row; `None` when the number is another order's.
async fn write(
    tx: &mut Transaction,
    order: &NewOrder,
    facility: &Facility,
    (patient, own): (PatientId, Option<PatientId>),
    accession_number: &str,
    (actor, now_ms): (&str, i64),
) -> Result<Option<i64>> {
    let row = tx
        .fetch_optional(
            "insert into order_ (facility, patient_id, accession_number, referring_physician, reason, emergency, state,
                 created_by, created_ms, revision, own_patient_id)
             values ($1, $2, $3, $4, $5, $6, 'active', $7, $8, 1, $9)
             on conflict (facility, accession_number) do nothing returning id",
            params![
                &facility.code,
                patient,
                accession_number,
                &order.referring_physician,
                &order.reason,
                order.emergency,
                actor,
                now_ms,
                own.map(|id| id.0)
            ],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}

/// The patient an order names: known by identifier, by national or insurance number, or new. Beside it
/// whose the identifier is, where that patient is merged into another.
async fn patient(
    tx: &mut Transaction,
    given: &OrderPatient,
    facility: &Facility,
    now_ms: i64,
) -> Result<(PatientId, Option<PatientId>)> {
    let demographics = PatientAttributes {
        id: given.id.clone().unwrap_or_default(),
        issuer: given.issuer.clone(),
        name: given.name.clone(),
        birth_date: given.birth_date.clone(),
        sex: given.sex.clone(),
        ..PatientAttributes::default()
    };
    let national = issuers::ensure(tx, NATIONAL_ISSUER, IssuerKind::National).await?;
    let insurance = issuers::ensure(tx, INSURANCE_ISSUER, IssuerKind::Insurance).await?;
    let numbers: Vec<(&Issuer, &str)> = [(&national, &given.national_id), (&insurance, &given.insurance_id)]
        .into_iter()
        .filter_map(|(issuer, number)| Some((issuer, number.as_deref().filter(|number| !number.is_empty())?)))
        .collect();
    let found = match given.id.as_deref().filter(|id| !id.is_empty()) {
        Some(identifier) => {
            let issuer = match given.issuer.as_deref() {
                Some(code) => issuers::named(tx, code)
                    .await?
                    .ok_or_else(|| Error::Conflict("nobody issues identifiers under that code".into()))?,
                None => facility.issuer.clone(),
            };
            patients::ensure(tx, identifier, &issuer, &demographics, now_ms).await?
        }
        None => match known_by(tx, &numbers, &demographics).await? {
            Some(found) => found,
            None => {
                let identifier = numbers::for_patient(tx, facility).await?;
                patients::ensure(tx, &identifier, &facility.issuer, &demographics, now_ms).await?
            }
        },
    };
    if found.likeness == Likeness::Doubtful {
        return Err(Error::Conflict(
            "the identifier belongs to a person with another name, birth date or sex".into(),
        ));
    }
    for (issuer, number) in numbers {
        patients::add_identifier(tx, found.id, issuer, number).await?;
    }
    patients::complete(tx, found.id, &demographics, now_ms).await?;
    Ok((found.id, found.own))
}

async fn known_by(
    tx: &mut Transaction,
    numbers: &[(&Issuer, &str)],
    demographics: &PatientAttributes,
) -> Result<Option<patients::Found>> {
    for (issuer, number) in numbers {
        if let Some(found) = patients::find(tx, number, issuer, demographics).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
