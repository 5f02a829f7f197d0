//! `GET /workitems` (PS3.18 11.9): searches steps, the newest first.

use super::{Request, STEPS, parameters};
use crate::accept::Accept;
use crate::answer::BY_ACCEPT;
use crate::error::Error;
use crate::outgoing;
use crate::qido::next::Here;
use crate::validators::CACHE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::TryStreamExt;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK, VARY, WARNING};
use pacs_core::json;

/// Most answers to one search; a larger set is read page by page.
const ANSWERS_MAX: u32 = 5_000;

/// Answers with the steps that match, written while their rows come. No match is an empty list, as in searches for
/// studies (PS3.18 11.9.3 of 2026a, where 204 was struck out).
pub async fn answer(request: Request) -> Result<Response, Error> {
    request.seeing(STEPS.to_owned()).await?;
    let parameters = request.parameters()?;
    let mut search = parameters::search(&parameters)?;
    let name = Accept::read(&request.headers, search.accept.as_deref())?.json()?;
    search.query.limit = Some(search.query.limit.map_or(ANSWERS_MAX, |limit| limit.min(ANSWERS_MAX)));
    let (database, asker) = (request.database(), request.asker());
    let found = storage::ups::search(database, &asker, search.query, search.after).await?;
    let mut steps = found.steps;
    let body = outgoing::body(Bytes::new(), move |out| async move {
        let mut before = b"[".as_slice();
        while let Some(step) = steps.try_next().await? {
            let mut piece = before.to_vec();
            json::write(&step, &mut piece, &|_, _, _| None);
            out.send(piece.into()).await?;
            before = b",";
        }
        out.send(Bytes::from_static(if before == b"[" { b"[]" } else { b"]" })).await?;
        Ok(())
    });
    let mut response = ([(CONTENT_TYPE, name.content_type())], body.await?).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static(BY_ACCEPT));
    if found.is_cut
        && let Some(warning) = request.warning("There are additional results that can be requested")
    {
        headers.insert(WARNING, warning);
    }
    let here = Here { base: request.base, path: "/workitems".to_owned(), parameters };
    if let Some(link) = found.last.and_then(|last| here.next(&last)) {
        headers.insert(LINK, link);
    }
    Ok(response)
}
