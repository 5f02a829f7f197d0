//! `GET /api/v1/reconciliation/{discrepancyId}/difference`: how two contents of one instance differ.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::clock;
use pacs_core::dataset::keyword_of;
use serde::Serialize;
use storage::index::facilities;
use storage::reconciliation::{self, DiscrepancyId};
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;

/// The first and the newest content of an instance, and what they say differently.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContentDifference)]
pub struct Difference {
    /// SOP Instance UID.
    instance_uid: String,
    first: Content,
    newest: Content,
    /// Attributes that say something else, in order of their tags.
    lines: Vec<Line>,
    /// Whether more attributes differ than are listed.
    cut: bool,
}

/// One of several contents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceContent)]
pub struct Content {
    /// When it came; RFC 3339, on the facility's wall.
    received_at: String,
    /// Size of its file.
    bytes: u64,
    /// UID of its transfer syntax.
    transfer_syntax: String,
    /// Whether it is the one that is served.
    served: bool,
}

/// What an attribute says in both; null where it is not there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DifferingAttribute)]
pub struct Line {
    /// Its tag, as eight hexadecimal digits.
    tag: String,
    /// Its keyword, when the standard has one.
    keyword: Option<&'static str>,
    first: Option<String>,
    newest: Option<String>,
}

/// What the contents that a row of kind `conflict` is about say differently.
#[utoipa::path(
    get,
    path = "/api/v1/reconciliation/{discrepancyId}/difference",
    tag = "reconciliation",
    params(("discrepancyId" = i64, Path, description = "Key of the row")),
    responses((status = 200, body = Difference), (status = 404, body = crate::error::Problem))
)]
pub async fn difference(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<Json<Difference>> {
    caller.needs(Act::Reconcile)?;
    let found = state.archive.difference(&caller.scope(), DiscrepancyId(id)).await?;
    let zone = facilities::zone(&facilities::time_zone(state.archive.database(), &found.facility).await?);
    let content = |content: reconciliation::Content| Content {
        received_at: clock::rfc3339_on(content.received_ms, &zone),
        bytes: content.length_bytes,
        transfer_syntax: content.transfer_syntax.to_string(),
        served: content.is_served,
    };
    let line = |line: reconciliation::Line| Line {
        tag: format!("{:04X}{:04X}", line.tag.group(), line.tag.element()),
        keyword: keyword_of(line.tag),
        first: line.first,
        newest: line.newest,
    };
    Ok(Json(Difference {
        instance_uid: found.instance.to_string(),
        first: content(found.first),
        newest: content(found.newest),
        lines: found.lines.into_iter().map(line).collect(),
        cut: found.is_cut,
    }))
}
