//! `GET /api/v1/studies/{studyUid}/corrections`: what may be corrected, as it stands and as it was sent.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::corrections;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;
use crate::{Error, Result};

/// What may be corrected of a study.
#[derive(Debug, Serialize, ToSchema)]
pub struct Correctable {
    /// The study, and the patient as they stand in it.
    study: Level,
    /// Its series.
    series: Vec<Level>,
}

/// The attributes of a study or series that may be corrected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Level {
    /// Study or Series Instance UID.
    uid: String,
    /// Instances in it.
    instances: i64,
    /// In the order in which a form shows them.
    attributes: Vec<Attribute>,
}

/// An attribute that may be corrected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attribute {
    /// Its DICOM keyword.
    keyword: &'static str,
    /// How it stands.
    value: Option<String>,
    /// How it was sent.
    sent: Option<String>,
}

impl From<corrections::Attributes> for Level {
    fn from(level: corrections::Attributes) -> Self {
        let attribute = |value: corrections::Change| Attribute {
            keyword: value.keyword,
            value: value.after,
            sent: value.before,
        };
        Self {
            uid: level.uid,
            instances: level.instances,
            attributes: level.values.into_iter().map(attribute).collect(),
        }
    }
}

/// The attributes of a study and of its series that may be corrected.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{studyUid}/corrections",
    tag = "corrections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 200, body = Correctable), (status = 404, body = crate::error::Problem))
)]
pub async fn attributes(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
) -> Result<Json<Correctable>> {
    caller.needs(Act::CorrectImages)?;
    let listed = corrections::listed(state.archive.database(), &caller.scope(), &study).await?;
    let listed = listed.ok_or(Error::NotFound)?;
    let series = listed.series.into_iter().map(Level::from).collect();
    Ok(Json(Correctable { study: listed.study.into(), series }))
}
