//! `POST /api/v1/orders`: order entry.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::{Act, Scope};
use pacs_core::audit::AuditAct;
use storage::catalogue::Procedure;
use storage::index::facilities;
use storage::schedule::{self, NewOrder, OrderPatient};

use super::draft::{Draft, OrderForm};
use crate::caller::Caller;
use crate::error::FieldErrors;
use crate::request::Body;
use crate::state::State;
use crate::worklist::WorklistRow;
use crate::{Error, Result, dates};

/// Writes an order with its requested procedure and scheduled step; it is on the modality worklist
/// when this answers.
#[utoipa::path(
    post,
    path = "/api/v1/orders",
    tag = "orders",
    request_body = OrderForm,
    responses(
        (status = 201, body = WorklistRow),
        (status = 400, description = "`errors` has a message key for each field that needs another look", body = crate::error::Problem),
        (status = 409, description = "A number belongs to another person, or is taken", body = crate::error::Problem),
    )
)]
pub async fn create(
    Has(state): Has<State>,
    caller: Caller,
    Body(form): Body<OrderForm>,
) -> Result<(StatusCode, Json<WorklistRow>)> {
    caller.needs(Act::ManageOrders)?;
    let now_ms = state.clock.now_ms();
    let draft = form.check(&dates::today(now_ms, &state.home_zone(&caller).await?)).map_err(Error::Fields)?;
    let facility = facility(&state, &caller, &draft).await?;
    let order = NewOrder {
        facility,
        patient: OrderPatient {
            id: draft.patient.id,
            issuer: draft.patient.issuer,
            name: draft.patient.name,
            birth_date: draft.patient.birth_date,
            sex: draft.patient.sex,
            national_id: draft.patient.national_id,
            insurance_id: draft.patient.insurance_id,
        },
        accession_number: draft.accession_number,
        procedure: Procedure {
            code: draft.procedure_code,
            name: draft.procedure_name,
            modality: draft.modality,
        },
        station_ae: draft.station_ae,
        room: draft.room,
        scheduled_date: draft.scheduled_date,
        scheduled_time: draft.scheduled_time,
        referring_physician: draft.referring_physician,
        reason: draft.reason,
        emergency: draft.emergency,
    };
    let exam = schedule::create_order(state.archive.database(), &order, &caller.actor, now_ms).await?;
    state.audit_log.record(caller.did(AuditAct::Order, format!("order:{}", exam.accession_number))).await;
    Ok((StatusCode::CREATED, Json(WorklistRow::of(exam, &caller.actor))))
}

/// The facility that performs the order: as the form says, else where the caller works. One that the
/// caller does not work for, or that nobody has set up, is a fault of the form.
async fn facility(state: &State, caller: &Caller, draft: &Draft) -> Result<String> {
    let wrong = |why| Err(Error::Fields(FieldErrors::from([("facility", why)])));
    let default = &state.archive.config().default_facility;
    let facility = draft.facility.as_deref().unwrap_or_else(|| caller.actor.home(default));
    if let Scope::Facilities(own) = caller.scope()
        && !own.iter().any(|code| code == facility)
    {
        return wrong(if draft.facility.is_some() { "notYours" } else { "required" });
    }
    let known = facilities::all(state.archive.database()).await?;
    if facility != default && !known.iter().any(|known| known.code == facility) {
        return wrong("unknown");
    }
    Ok(facility.to_owned())
}
