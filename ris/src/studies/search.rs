//! `POST /api/v1/studies/search` and `GET /api/v1/studies`: the study list.
//!
//! What people look for is names and numbers of patients. It comes in a body: addresses are written
//! down by proxies and browsers.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::exams::search::{self, Search};
use utoipa::{IntoParams, ToSchema};

use super::Study;
use crate::caller::Caller;
use crate::request::{Body, Params};
use crate::state::State;
use crate::{Error, Result, dates};

/// Studies of a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Which studies, of anybody.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Modality of at least one series.
    modality: Option<String>,
    /// First study date, `YYYY-MM-DD`.
    from: Option<String>,
    /// Last study date, `YYYY-MM-DD`.
    to: Option<String>,
    /// At most so many; 200 are given at once.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StudySearch)]
pub struct Wanted {
    /// Any words: of a name, of a patient ID or an accession number; or a scanned identity card.
    #[serde(default)]
    q: String,
    /// Modality of at least one series.
    modality: Option<String>,
    /// First study date, `YYYY-MM-DD`.
    from: Option<String>,
    /// Last study date, `YYYY-MM-DD`.
    to: Option<String>,
    /// At most so many; 200 are given at once.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of studies, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Studies {
    items: Vec<Study>,
    /// What to ask for the next page with; null at the end.
    next: Option<String>,
}

/// Studies that the caller may see and that fit, newest first.
#[utoipa::path(
    post,
    path = "/api/v1/studies/search",
    tag = "studies",
    request_body = Wanted,
    responses((status = 200, body = Studies), (status = 400, body = crate::error::Problem))
)]
pub async fn search(
    Has(state): Has<State>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Studies>> {
    let Wanted { q, modality, from, to, limit, cursor } = wanted;
    page(&state, &caller, q, Span { modality, from, to, limit, cursor }).await
}

/// Studies that the caller may see, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/studies",
    tag = "studies",
    params(Span),
    responses((status = 200, body = Studies), (status = 400, body = crate::error::Problem))
)]
pub async fn newest(
    Has(state): Has<State>,
    caller: Caller,
    Params(span): Params<Span>,
) -> Result<Json<Studies>> {
    page(&state, &caller, String::new(), span).await
}

async fn page(state: &State, caller: &Caller, text: String, span: Span) -> Result<Json<Studies>> {
    caller.needs(Act::ReadImages)?;
    let search = Search {
        text,
        modality: span.modality,
        from: date(span.from.as_deref())?,
        to: date(span.to.as_deref())?,
        limit: span.limit.unwrap_or(DEFAULT_LIMIT),
        cursor: span.cursor,
    };
    let page = search::search(state.archive.database(), &caller.scope(), &search).await?;
    Ok(Json(Studies { items: page.items.into_iter().map(Study::from).collect(), next: page.next }))
}

/// An empty parameter is what an emptied field of a page sends.
fn date(text: Option<&str>) -> Result<Option<String>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => match dates::dicom_date(text) {
            Some(date) => Ok(Some(date)),
            None => Err(Error::BadRequest("from and to are dates such as 2026-11-23".into())),
        },
    }
}
