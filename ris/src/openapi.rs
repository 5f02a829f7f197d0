//! `GET /api/v1/openapi.json`: this interface, described for programs.

use axum::Json;
use utoipa::OpenApi;

use crate::caller::Caller;
use crate::{devices, events, orders, patients, studies, system, unmatched, worklist};

/// The interface under `/api/v1`. Signing in is described here too, though the program answers it.
#[derive(OpenApi)]
#[openapi(
    info(title = "Sen", description = "People's work: studies, worklist, orders, unmatched images"),
    paths(
        studies::search::search,
        studies::one::one,
        worklist::day::day,
        worklist::act::act,
        orders::create::create,
        orders::form::form,
        patients::search::search,
        unmatched::list::list,
        unmatched::link::link,
        unmatched::unlink::unlink,
        devices::list,
        events::follow,
        system::show,
        show,
    )
)]
struct Description;

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "system", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn show(_caller: Caller) -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
