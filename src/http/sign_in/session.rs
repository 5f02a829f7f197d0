//! `/api/v1/session`: signing in and out of the pages.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use pacs_core::access::{Actor, Facilities};
use pacs_core::audit::{AuditAct, Outcome};
use serde::{Deserialize, Serialize};
use storage::accounts::{self, sessions};

use super::credentials::{self, COOKIE_NAME, Credential};
use super::{Gate, fingerprint, problem};
use crate::http::client::Client;
use crate::http::problem::Problem;

/// A session lasts a long shift.
const SESSION_MS: i64 = 12 * 60 * 60_000;

/// Routes of the session, to be nested at `/api/v1/session`.
pub fn router(gate: Arc<Gate>) -> Router {
    Router::new().route("/", get(show).post(open).delete(close)).with_state(gate)
}

#[derive(Deserialize)]
struct Form {
    user: String,
    password: String,
}

#[derive(Serialize)]
struct Session {
    user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: String,
    display_name: String,
    role: &'static str,
    /// Codes of the facilities it works for; null is all.
    facilities: Option<Vec<String>>,
}

impl Session {
    fn of(actor: &Actor, language: Option<String>) -> Self {
        let name = actor.id.split_once(':').map_or(actor.id.as_str(), |(_, name)| name);
        let user = User {
            name: name.to_owned(),
            display_name: actor.name.clone(),
            role: actor.role.as_str(),
            facilities: match &actor.facilities {
                Facilities::All => None,
                Facilities::Only(codes) => Some(codes.clone()),
            },
        };
        Self { user, language }
    }
}

async fn show(
    State(gate): State<Arc<Gate>>,
    actor: Option<Extension<Actor>>,
) -> Result<Json<Session>, Problem> {
    let Extension(actor) = actor.ok_or(Problem::Unauthorized)?;
    let language = match actor.id.strip_prefix("user:") {
        Some(name) => accounts::by_name(&gate.database, name)
            .await
            .map_err(problem)?
            .and_then(|account| account.language),
        None => None,
    };
    Ok(Json(Session::of(&actor, language)))
}

async fn open(
    State(gate): State<Arc<Gate>>,
    Extension(client): Extension<Client>,
    form: Result<Json<Form>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(form) =
        form.map_err(|_| Problem::BadRequest("The body must be JSON with user and password."))?;
    let account = gate.check_password(form.user, form.password, client.address).await?;
    let now_ms = gate.clock.now_ms();
    let origin = client.address.to_string();
    let secret = sessions::open(&gate.database, account.id, &origin, now_ms, now_ms + SESSION_MS)
        .await
        .map_err(problem)?;
    let actor = account.actor();
    gate.audit(&actor.id, AuditAct::SignIn, Outcome::Success, client.address).await;
    let cookie = cookie(&secret.text, SESSION_MS / 1000, client.is_https)?;
    Ok(([(SET_COOKIE, cookie)], Json(Session::of(&actor, account.language))).into_response())
}

async fn close(
    State(gate): State<Arc<Gate>>,
    Extension(client): Extension<Client>,
    actor: Option<Extension<Actor>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(Credential::Session(secret)) = credentials::of(&headers) {
        sessions::close(&gate.database, &secret).await.map_err(problem)?;
        gate.cache.forget(&fingerprint(&[secret.as_bytes()]));
    }
    if let Some(Extension(actor)) = actor {
        gate.audit(&actor.id, AuditAct::SignOut, Outcome::Success, client.address).await;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie("", 0, client.is_https)?)]).into_response())
}

/// The session's cookie: out of reach of scripts and of other sites, and of plain HTTP when the
/// browser came by HTTPS.
fn cookie(secret: &str, max_age_s: i64, is_https: bool) -> Result<HeaderValue, Problem> {
    let secure = if is_https { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{COOKIE_NAME}={secret}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"
    ))
    .map_err(|_| Problem::Internal)
}
