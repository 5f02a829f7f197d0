//! `GET /api/v1/openapi.json`: everything under `/api/v1`, described for programs.

use axum::{Extension, Json};
use pacs_core::access::Actor;
use utoipa::OpenApi as _;

use super::problem::Problem;
use super::sign_in::session;

/// The description: people's work and, since sign-in is the program's own, the session.
pub async fn show(actor: Option<Extension<Actor>>) -> Result<Json<utoipa::openapi::OpenApi>, Problem> {
    if actor.is_none() {
        return Err(Problem::Unauthorized);
    }
    Ok(Json(ris::description().merge_from(session::Description::openapi())))
}
