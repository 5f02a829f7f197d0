//! `GET /api/v1/patients`: finding a person at the desk.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::identity::{self, Registered};
use utoipa::{IntoParams, ToSchema};

use super::Patient;
use crate::Result;
use crate::caller::Caller;
use crate::request::Params;
use crate::state::State;

/// What was typed or scanned.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Words of a name, a number or its beginning, or a scanned identity card.
    #[serde(default)]
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
            patient: found.person.into(),
            national_id: found.national_id,
            insurance_id: found.insurance_id,
        }
    }
}

/// Persons by number or name. Registration has to find whoever was in any hospital of the province
/// before, so this is not limited to the caller's facilities; it shows no studies.
#[utoipa::path(
    get,
    path = "/api/v1/patients",
    tag = "patients",
    params(Wanted),
    responses((status = 200, body = Patients))
)]
pub async fn search(
    Has(state): Has<State>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Patients>> {
    caller.needs(Act::ManageOrders)?;
    let found = identity::search(state.archive.database(), &wanted.q).await?;
    Ok(Json(Patients { items: found.into_iter().map(RegisteredPatient::from).collect() }))
}
