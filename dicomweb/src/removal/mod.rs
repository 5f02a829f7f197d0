//! Rejecting, restoring and deleting: resources beside those of PS3.18, in the manner that archives of the field have
//! them. Every one of these acts names who did it and why, lies in the journal and is told to the audit log.

pub mod delete;
pub mod reject;
pub mod restore;

use crate::caller::Caller;
use crate::error::Error;
use crate::query_string;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use crate::state::State;
use axum::Json;
use axum::extract::{self, RawQuery};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use pacs_core::access::{self, Act, Scope};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::Subject;

/// What these acts need of their request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    state: extract::State<State>,
    query: RawQuery,
}

/// What the path names, with what it lies in.
pub struct Target {
    study: Uid,
    series: Option<Uid>,
    subject: Subject,
}

impl From<StudyPath> for Target {
    fn from(path: StudyPath) -> Self {
        Self { subject: Subject::Study(path.study.clone()), study: path.study, series: None }
    }
}

impl From<SeriesPath> for Target {
    fn from(path: SeriesPath) -> Self {
        let subject = Subject::Series(path.series.clone());
        Self { study: path.study, series: Some(path.series), subject }
    }
}

impl From<InstancePath> for Target {
    fn from(path: InstancePath) -> Self {
        Self { study: path.study, series: Some(path.series), subject: Subject::Instance(path.instance) }
    }
}

impl Target {
    /// The words for an answer that says it is not there.
    fn what(&self) -> &'static str {
        match self.subject {
            Subject::Study(_) => "the study",
            Subject::Series(_) => "the series",
            Subject::Instance(_) => "the instance",
        }
    }

    /// What the audit log says beside the study.
    fn detail(&self, reason: Option<&str>) -> Option<String> {
        let below = match &self.subject {
            Subject::Study(_) => None,
            Subject::Series(uid) => Some(format!("series {uid}")),
            Subject::Instance(uid) => Some(format!("instance {uid}")),
        };
        let words: Vec<String> = below.into_iter().chain(reason.map(str::to_owned)).collect();
        (!words.is_empty()).then(|| words.join(": "))
    }
}

/// How many instances an act has changed.
#[derive(Serialize)]
struct Count {
    count: u64,
}

impl Request {
    /// The caller's scope, once it is known that the caller may do this and that there is what the path names. An
    /// attempt without the right is recorded.
    async fn scope(
        &self,
        target: &Target,
        act: Act,
        recorded: AuditAct,
        what: &'static str,
    ) -> Result<Scope, Error> {
        if let Err(refusal) = self.caller.may(act, what) {
            let subject = format!("study:{}", target.study);
            let refused = AuditRecord::refused(&self.caller.actor, recorded, subject, self.caller.peer);
            self.state.audit_log.record(refused.because(target.detail(None))).await;
            return Err(refusal);
        }
        let scope = access::scope(&self.caller.actor);
        let instance = match &target.subject {
            Subject::Instance(uid) => Some(uid),
            Subject::Study(_) | Subject::Series(_) => None,
        };
        let held = self.state.archive.holds(&scope, &target.study, target.series.as_ref(), instance).await?;
        if held { Ok(scope) } else { Err(Error::NotFound(target.what())) }
    }

    async fn record(&self, target: &Target, act: AuditAct, reason: Option<Rejection>) {
        let done = self.caller.did(act, &target.study);
        let done = done.because(target.detail(reason.map(Rejection::meaning)));
        self.state.audit_log.record(done).await;
    }
}

fn counted(count: u64) -> Response {
    let mut response = Json(Count { count }).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads `code^scheme`.
fn reason(text: &str) -> Result<Rejection, Error> {
    Rejection::parse(text).ok_or_else(|| {
        let known = Rejection::ALL.map(|reason| reason.to_string()).join(", ");
        Error::BadRequest(format!("the reason is none of {known}").into())
    })
}
