//! `POST /api/v1/studies/{studyUid}/moves`: images to another study.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use serde::{Deserialize, Serialize};
use storage::corrections::{Move, Moved, Target, What};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Most series or instances that one act moves.
const MOST: usize = 10_000;

/// Which images, and where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoveForm {
    /// The study to move to; without it a new one is made for them, of the same patient.
    #[schema(value_type = Option<String>)]
    to: Option<Uid>,
    /// Series to be moved.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    series: Vec<Uid>,
    /// Instances of one series to be moved, which become a series of their own.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    instances: Vec<Uid>,
    /// Moves all of the study, and what comes for it later: the two are one from then on.
    #[serde(default)]
    all: bool,
    /// Why, for the history.
    reason: Option<String>,
}

/// Where the images are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MovedTo {
    /// The number of the act, by which it is taken back.
    act_id: i64,
    /// Study Instance UID.
    study_uid: String,
    /// Instances in it.
    instances: i64,
    /// Instances in the study that they have left.
    left: i64,
}

/// Moves series, instances or all of a study to another study, or to a new one.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/moves",
    tag = "corrections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = MoveForm,
    responses((status = 200, body = MovedTo), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn move_images(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<MoveForm>,
) -> Result<Json<MovedTo>> {
    caller.needs(Act::CorrectImages)?;
    let reason = reason(form.reason, true)?.unwrap_or_default();
    if form.series.len().max(form.instances.len()) > MOST {
        return Err(Error::BadRequest("more series or instances than are moved at once".into()));
    }
    let what = match (form.all, form.series.is_empty(), form.instances.is_empty()) {
        (true, true, true) => What::All,
        (false, false, true) => What::Series(form.series),
        (false, true, false) => What::Instances(form.instances),
        _ => return Err(Error::BadRequest("either all, series or instances are moved".into())),
    };
    let to = form.to.map_or(Target::New, Target::Study);
    let wanted = Move { from: &study, what, to, reason: &reason };
    let moved = state.archive.move_images(&caller.scope(), &caller.actor, &wanted).await?;
    for study in [&study, &moved.study] {
        let done = caller.did(AuditAct::Correct, format!("study:{study}")).because(Some(reason.as_str()));
        state.audit_log.record(done).await;
    }
    let Moved { act: act_id, study, instances, left } = moved;
    Ok(Json(MovedTo { act_id, study_uid: study.to_string(), instances, left }))
}
