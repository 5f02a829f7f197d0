//! `POST /api/v1/orders`: order entry.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::{Act, Facilities};
use storage::catalogue::Procedure;
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
    let draft = form.check(&dates::today(now_ms, &state.default_zone().await?)).map_err(Error::Fields)?;
    let facility = facility(&state, &caller, &draft)?;
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
    let exam = schedule::create_order(state.archive.database(), &order, &caller.0, now_ms).await?;
    Ok((StatusCode::CREATED, Json(WorklistRow::of(exam, &caller.0))))
}

/// The facility that performs the order: as the form says, else the only one the caller works for,
/// else the default. One that the caller does not work for is a fault of the form.
fn facility(state: &State, caller: &Caller, draft: &Draft) -> Result<String> {
    let codes = match &caller.0.facilities {
        Facilities::All => None,
        Facilities::Only(codes) => Some(codes.as_slice()),
    };
    match (&draft.facility, codes) {
        (Some(wanted), Some(codes)) if !codes.contains(wanted) => {
            Err(Error::Fields(FieldErrors::from([("facility", "notYours")])))
        }
        (Some(wanted), _) => Ok(wanted.clone()),
        (None, Some([only])) => Ok(only.clone()),
        (None, Some(codes)) if !codes.contains(&state.archive.config().default_facility) => {
            Err(Error::Fields(FieldErrors::from([("facility", "required")])))
        }
        (None, _) => Ok(state.archive.config().default_facility.clone()),
    }
}
