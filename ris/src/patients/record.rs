//! `GET /api/v1/patients/{recordId}`: the imaging record, one patient's time line.

use axum::Json;
use axum::extract::State as Has;
use jiff::tz::TimeZone;
use pacs_core::access::{self, Act};
use pacs_core::audit::AuditAct;
use pacs_core::clock;
use serde::Serialize;
use storage::identity::past::{self, PatientAct};
use storage::identity::record;
use storage::index::PatientId;
use utoipa::ToSchema;

use super::Patient;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;
use crate::studies::Study;
use crate::{Error, Result};

/// A patient with everything that was made of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagingRecord {
    /// Key of the record: the survivor's when a merged patient's was asked for.
    record_id: i64,
    /// Who it is.
    patient: Patient,
    /// Every number that leads here.
    numbers: Vec<RecordNumber>,
    /// Patients who were merged into this one, the newest merger first.
    merged: Vec<MergedPatient>,
    /// Studies that the caller may see, newest first.
    studies: Vec<Study>,
    /// Whether the caller may merge, part and give numbers.
    may_reconcile: bool,
    /// What was done to the record and to those merged into it, newest first; for whoever may.
    acts: Vec<RecordAct>,
}

/// An act on a record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordAct {
    /// Its number.
    act_id: i64,
    /// `patient.merge`, `patient.unmerge`, `patient.identify` or `patient.unidentify`.
    kind: String,
    /// Who did it.
    by: String,
    /// When; RFC 3339, where the caller works.
    at: String,
    /// Why.
    reason: Option<String>,
    /// Whether it was taken back.
    is_undone: bool,
    /// Who was merged into the record, or parted from it; of a number, whose it is. Nobody where that is a patient of
    /// other facilities, who is not part of the record now.
    whom: Option<Patient>,
    /// The number that was added or taken away.
    number: Option<String>,
    /// Code of who gave it.
    issuer: Option<String>,
}

impl RecordAct {
    fn of(past: PatientAct, zone: &TimeZone) -> Self {
        let (number, issuer) = past.number.unzip();
        Self {
            act_id: past.act.id,
            kind: past.act.kind,
            by: past.act.actor,
            at: clock::rfc3339_on(past.act.at_ms, zone),
            reason: past.act.reason,
            is_undone: past.is_undone,
            whom: past.whom.map(Patient::from),
            number,
            issuer,
        }
    }
}

/// A number of a patient.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordNumber {
    /// The number.
    identifier: String,
    /// Code of who gave it.
    issuer: String,
    /// Whether a patient is registered by it, so that it cannot be taken away.
    registered: bool,
}

/// A patient who was merged into another.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergedPatient {
    /// Key of the merged record.
    record_id: i64,
    /// Who it was.
    patient: Patient,
    /// Studies that are theirs by their own number.
    study_count: i64,
    /// Who merged them.
    by: Option<String>,
    /// When; RFC 3339, where the caller works.
    at: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// The imaging record of a patient of whom there is anything in the caller's facilities.
#[utoipa::path(
    get,
    path = "/api/v1/patients/{recordId}",
    tag = "patients",
    params(("recordId" = i64, Path, description = "Key of the record")),
    responses((status = 200, body = ImagingRecord), (status = 404, body = crate::error::Problem))
)]
pub async fn record(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<Json<ImagingRecord>> {
    caller.needs(Act::ReadImages)?;
    let zone = state.home_zone(&caller).await?;
    let found = record::of(state.archive.database(), &caller.scope(), PatientId(id)).await?;
    let found = found.ok_or(Error::NotFound)?;
    state.audit_log.record(caller.did(AuditAct::View, format!("patient:{}", found.id.0))).await;
    let may_reconcile = access::may(&caller.actor, Act::Reconcile);
    let acts = match may_reconcile {
        true => past::of(state.archive.database(), &caller.scope(), found.id).await?,
        false => Vec::new(),
    };
    let numbers = found.numbers.into_iter().map(|number| RecordNumber {
        identifier: number.identifier,
        issuer: number.issuer,
        registered: number.registered,
    });
    let merged = found.merged.into_iter().map(|merged| MergedPatient {
        record_id: merged.id.0,
        patient: merged.person.into(),
        study_count: merged.study_count,
        by: merged.by,
        at: merged.at_ms.map(|at_ms| clock::rfc3339_on(at_ms, &zone)),
        reason: merged.reason,
    });
    Ok(Json(ImagingRecord {
        record_id: found.id.0,
        patient: found.person.into(),
        numbers: numbers.collect(),
        merged: merged.collect(),
        studies: found.studies.into_iter().map(Study::from).collect(),
        may_reconcile,
        acts: acts.into_iter().map(|past| RecordAct::of(past, &zone)).collect(),
    }))
}
