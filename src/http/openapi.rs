//! `GET /api/v1/openapi.json`: everything under `/api/v1` and `/dicomweb`, described for programs.

use axum::{Extension, Json};
use pacs_core::access::Actor;
use serde_json::Value;
use utoipa::OpenApi as _;

use super::problem::Problem;
use super::sign_in::session;

/// The description: people's work, since sign-in is the program's own the session, and the door that viewers use.
pub async fn show(actor: Option<Extension<Actor>>) -> Result<Json<Value>, Problem> {
    if actor.is_none() {
        return Err(Problem::Unauthorized);
    }
    let api = ris::description().merge_from(session::Description::openapi());
    let mut description = serde_json::to_value(api).map_err(|_| Problem::Internal)?;
    let dicomweb = dicomweb::description("/dicomweb");
    for part in ["/paths", "/components/schemas"] {
        let (whole, more) = (description.pointer_mut(part), dicomweb.pointer(part));
        if let (Some(Value::Object(whole)), Some(Value::Object(more))) = (whole, more) {
            whole.extend(more.clone());
        }
    }
    Ok(Json(description))
}
