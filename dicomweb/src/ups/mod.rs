//! UPS-RS (PS3.18 11): work that programs give each other, over the rows of [`storage::ups`].

pub mod cancel;
pub mod channel;
mod channels;
pub mod create;
mod parameters;
mod payload;
mod refusal;
pub mod retrieve;
pub mod search;
pub mod state;
pub mod subscribe;
mod subscriber;
pub mod suspend;
pub mod unsubscribe;
pub mod update;

pub use channels::Channels;

use crate::base_url::BaseUrl;
use crate::caller::Caller;
use crate::error::Error;
use crate::query_string;
use crate::state::State;
use axum::extract::{self, FromRequestParts, RawPathParams, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, WARNING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use pacs_core::access::{self, Act, Scope};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::uid::Uid;
use refusal::Transaction;
use storage::database::Database;
use storage::ups::{Asker, WorkError};

/// What every transaction needs of its request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    base: BaseUrl,
    state: extract::State<State>,
    query: RawQuery,
    headers: HeaderMap,
}

impl Request {
    /// The caller's scope, once it is known that the caller may see steps. An attempt without the right is recorded.
    async fn seeing(&self, subject: String) -> Result<Scope, Error> {
        let seeing = self.caller.may(Act::SeeWorklist, "see workitems");
        self.permitted(seeing, AuditAct::View, subject, None).await?;
        Ok(access::scope(&self.caller.actor))
    }

    /// Refuses a caller that may not create, change, end and follow steps. An attempt without the right is recorded,
    /// as `what`.
    async fn doing(&self, subject: String, what: &str) -> Result<(), Error> {
        let doing = self.caller.may(Act::DoSteps, "change workitems");
        self.permitted(doing, AuditAct::Step, subject, Some(what)).await
    }

    /// Records a refusal.
    async fn permitted<T>(
        &self,
        permission: Result<T, Error>,
        act: AuditAct,
        subject: String,
        what: Option<&str>,
    ) -> Result<T, Error> {
        if let Err(Error::Forbidden(_)) = permission {
            let refused = AuditRecord::refused(&self.caller.actor, act, subject, self.caller.peer);
            self.state.audit_log.record(refused.because(what)).await;
        }
        permission
    }

    /// What came of following steps: recorded when it is done or refused.
    async fn followed<T>(
        &self,
        outcome: Result<T, WorkError>,
        subject: String,
        what: &str,
    ) -> Result<T, Error> {
        let outcome = outcome.map_err(|error| self.refused(Transaction::Subscribe, error));
        let done = self.permitted(outcome, AuditAct::Step, subject.clone(), Some(what)).await?;
        self.record(AuditAct::Step, subject, Some(what)).await;
        Ok(done)
    }

    fn parameters(&self) -> Result<Vec<(String, String)>, Error> {
        query_string::parameters(self.query.0.as_deref())
    }

    fn database(&self) -> &Database {
        self.state.archive.database()
    }

    fn asker(&self) -> Asker<'_> {
        let config = self.state.archive.config();
        Asker {
            actor: &self.caller.actor,
            default_facility: &config.default_facility,
            now_ms: config.clock.now_ms(),
        }
    }

    /// Records what the caller did.
    async fn record(&self, act: AuditAct, subject: String, what: Option<&str>) {
        let done = AuditRecord::done(&self.caller.actor, act, subject, self.caller.peer);
        self.state.audit_log.record(done.because(what)).await;
    }

    /// A warning as PS3.18 11 words it.
    fn warning(&self, text: &str) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("299 {}: {text}", self.base)).ok()
    }

    /// An answer without a payload.
    fn done(&self, status: StatusCode, warning: Option<&str>) -> Response {
        let mut response = status.into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(warning) = warning.and_then(|text| self.warning(text)) {
            headers.insert(WARNING, warning);
        }
        response
    }
}

/// Steps, where none is meant alone, as the audit log names them.
const STEPS: &str = "workitems";

/// A step as the audit log names it.
fn named(step: &Uid) -> String {
    format!("workitem:{step}")
}

/// `/workitems/{workitem}`
pub struct WorkitemPath(Uid);

impl<S: Send + Sync> FromRequestParts<S> for WorkitemPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let text = step_of_path(parts, state, "workitem").await?;
        let uid = Uid::parse(&text).map_err(|error| bad_uid("the workitem of the path", &error))?;
        Ok(Self(uid))
    }
}

/// A step of the path, decoded.
async fn step_of_path<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Error> {
    let parameters = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Error::bad_request("the path is not UTF-8"))?;
    let named = parameters.iter().find(|(known, _)| *known == name);
    Ok(named.map(|(_, value)| value.to_owned()).unwrap_or_default())
}

fn bad_uid(what: &str, error: &impl std::fmt::Display) -> Error {
    Error::BadRequest(format!("{what}: {error}").into())
}
