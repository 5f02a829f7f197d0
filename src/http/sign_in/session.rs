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
use storage::accounts::{self, Account, sessions};
use storage::index::facilities;
use utoipa::{OpenApi, ToSchema};

use super::credentials::{self, COOKIE_NAME, Credential};
use super::{Gate, fingerprint, problem};
use crate::http::client::Client;
use crate::http::problem::Problem;

/// A session lasts a long shift.
const SESSION_MS: i64 = 12 * 60 * 60_000;
/// The languages that the pages speak.
const LANGUAGES: [&str; 2] = ["vi", "en"];

/// These routes, described for programs.
#[derive(OpenApi)]
#[openapi(paths(show, open, choose, close))]
pub struct Description;

/// Routes of the session, to be nested at `/api/v1/session`.
pub fn router(gate: Arc<Gate>) -> Router {
    Router::new().route("/", get(show).post(open).patch(choose).delete(close)).with_state(gate)
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[schema(as = SignInForm)]
struct Form {
    user: String,
    password: String,
}

/// What a person chose.
#[derive(Deserialize, ToSchema)]
#[schema(as = SessionChoice)]
struct Choice {
    /// `vi` or `en`.
    language: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    user: User,
    /// Language of the pages that the person chose, if ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Zone of the clocks where the person works, as an IANA name: which day it is there.
    time_zone: String,
}

/// The account or program.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionUser)]
struct User {
    name: String,
    display_name: String,
    role: &'static str,
    /// Codes of the facilities it works for; null is all.
    facilities: Option<Vec<String>>,
}

impl Session {
    async fn of(gate: &Gate, actor: &Actor, language: Option<String>) -> Result<Self, Problem> {
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
        let home = actor.home(&gate.default_facility);
        let time_zone = facilities::time_zone(&gate.database, home).await.map_err(problem)?;
        Ok(Self { user, language, time_zone })
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = Session), (status = 401)))]
async fn show(
    State(gate): State<Arc<Gate>>,
    actor: Option<Extension<Actor>>,
) -> Result<Json<Session>, Problem> {
    let Extension(actor) = actor.ok_or(Problem::Unauthorized)?;
    let language = own_account(&gate, &actor).await?.and_then(|account| account.language);
    Ok(Json(Session::of(&gate, &actor, language).await?))
}

/// Signs a person in; the session's cookie is in the answer.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    tag = "session",
    request_body = Form,
    security(()),
    responses((status = 200, body = Session), (status = 401), (status = 429, description = "Too many wrong passwords; Retry-After says how long to wait"))
)]
async fn open(
    State(gate): State<Arc<Gate>>,
    Extension(client): Extension<Client>,
    form: Result<Json<Form>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(form) =
        form.map_err(|_| Problem::BadRequest("The body must be JSON with user and password."))?;
    let turn = gate.turn().await?;
    let account = gate.account(&form.user).await?;
    let account = gate.check_password(turn, &form.user, form.password, account, client.address).await?;
    let now_ms = gate.clock.now_ms();
    let origin = client.address.to_string();
    let secret = sessions::open(&gate.database, account.id, &origin, now_ms, now_ms + SESSION_MS)
        .await
        .map_err(problem)?;
    let actor = account.actor();
    gate.audit(&actor.id, AuditAct::SignIn, Outcome::Success, client.address).await;
    let cookie = cookie(&secret.text, SESSION_MS / 1000, client.is_https)?;
    let session = Session::of(&gate, &actor, account.language).await?;
    Ok(([(SET_COOKIE, cookie)], Json(session)).into_response())
}

/// Notes the language that a person chose, for the next sign-in on whatever computer.
#[utoipa::path(patch, path = "/api/v1/session", tag = "session", request_body = Choice, responses((status = 204), (status = 400), (status = 401)))]
async fn choose(
    State(gate): State<Arc<Gate>>,
    actor: Option<Extension<Actor>>,
    choice: Result<Json<Choice>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Extension(actor) = actor.ok_or(Problem::Unauthorized)?;
    let known = choice.ok().filter(|Json(choice)| LANGUAGES.contains(&choice.language.as_str()));
    let Json(choice) = known.ok_or(Problem::BadRequest("The body must be JSON with language, vi or en."))?;
    if let Some(account) = own_account(&gate, &actor).await? {
        accounts::set_language(&gate.database, account.id, &choice.language).await.map_err(problem)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Signs the person out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204)))]
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

/// The account of a person; programs with a token have none.
async fn own_account(gate: &Gate, actor: &Actor) -> Result<Option<Account>, Problem> {
    match actor.id.strip_prefix("user:") {
        Some(name) => gate.account(name).await,
        None => Ok(None),
    }
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
