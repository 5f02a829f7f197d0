//! `GET /workitems/{workitem}` (PS3.18 11.5): a step, without its transaction UID.

use super::refusal::Transaction;
use super::{Request, WorkitemPath, named};
use crate::accept::Accept;
use crate::answer::BY_ACCEPT;
use crate::error::Error;
use crate::validators::CACHE;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use pacs_core::audit::AuditAct;
use pacs_core::json;

/// Answers with the step.
pub async fn answer(path: WorkitemPath, request: Request) -> Result<Response, Error> {
    let scope = request.seeing(named(&path.0)).await?;
    let parameters = request.parameters()?;
    let accept = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let name = Accept::read(&request.headers, accept.map(|(_, value)| value.as_str()))?.json()?;
    let step = storage::ups::retrieve(request.database(), &scope, &path.0).await;
    let step = step.map_err(|error| request.refused(Transaction::Retrieve, error))?;
    request.record(AuditAct::View, named(&path.0), None).await;
    let body = format!("[{}]", json::to_string(&step));
    let mut response = ([(CONTENT_TYPE, name.content_type())], body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    response.headers_mut().insert(VARY, HeaderValue::from_static(BY_ACCEPT));
    Ok(response)
}
