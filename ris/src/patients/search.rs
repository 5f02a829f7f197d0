//! `POST /api/v1/patients/search`: finding a person at the desk. Names and numbers come in a body:
//! addresses are written down by proxies and browsers.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::identity::{self, Registered};
use utoipa::ToSchema;

use super::Patient;
use crate::Result;
use crate::caller::Caller;
use crate::request::Body;
use crate::state::State;

/// What was typed or scanned.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PatientSearch)]
pub struct Wanted {
    /// Words of a name, a number or its beginning, or a scanned identity card.
    q: String,
}

/// Persons found, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Patients {
    items: Vec<RegisteredPatient>,
}

/// A person with the numbers a form shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredPatient {
    /// Key of the imaging record.
    record_id: i64,
    #[serde(flatten)]
    patient: Patient,
    /// Number of the identity card.
    national_id: Option<String>,
    /// Number of the health insurance card.
    insurance_id: Option<String>,
}

impl From<Registered> for RegisteredPatient {
    fn from(found: Registered) -> Self {
        Self {
            record_id: found.id.0,
            patient: found.person.into(),
            national_id: found.national_id,
            insurance_id: found.insurance_id,
        }
    }
}

/// Persons by number or name. Registration has to find whoever was in any hospital of the province
/// before, so this is not limited to the caller's facilities; it shows no studies.
#[utoipa::path(
    post,
    path = "/api/v1/patients/search",
    tag = "patients",
    request_body = Wanted,
    responses((status = 200, body = Patients), (status = 400, body = crate::error::Problem))
)]
pub async fn search(
    Has(state): Has<State>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Patients>> {
    caller.needs(Act::ManageOrders)?;
    let found = identity::search(state.archive.database(), &wanted.q).await?;
    Ok(Json(Patients { items: found.into_iter().map(RegisteredPatient::from).collect() }))
}
