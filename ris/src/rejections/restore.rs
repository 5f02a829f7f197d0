//! `POST /api/v1/studies/{studyUid}/rejections/restore`: what was rejected is shown again.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use serde::Deserialize;
use storage::Subject;
use utoipa::ToSchema;

use super::wire::RejectionDone;
use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// What is to be shown again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreForm {
    /// The series that is meant; without it all of the study.
    #[schema(value_type = Option<String>)]
    series_uid: Option<Uid>,
    /// Why, in 1 to 1024 characters.
    reason: Option<String>,
}

/// Restores everything that is rejected of a study or of one of its series, whichever acts have rejected it. What one
/// act did is taken back by its number.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/rejections/restore",
    tag = "rejections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = RestoreForm,
    responses((status = 200, body = RejectionDone), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "Nothing of it is rejected", body = crate::error::Problem))
)]
pub async fn restore(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<RestoreForm>,
) -> Result<Json<RejectionDone>> {
    caller.needs(Act::RejectImages)?;
    let (archive, scope) = (&state.archive, caller.scope());
    if !archive.holds(&scope, &study, form.series_uid.as_ref(), None).await? {
        return Err(Error::NotFound);
    }
    let reason = reason(form.reason, true)?.unwrap_or_default();
    let subject = form.series_uid.map_or_else(|| Subject::Study(study.clone()), Subject::Series);
    let done =
        archive.restore(&scope, &caller.actor, &subject, &reason).await.map_err(|error| match error {
            storage::Error::NotFound => Error::Conflict("nothing of it is rejected".into()),
            error => error.into(),
        })?;
    let what = caller.did(AuditAct::Restore, format!("study:{study}"));
    state.audit_log.record(what.because(Some(format!("instances: {}", done.instances)))).await;
    let left = super::of_study::shown(&state, &scope, &study).await?;
    Ok(Json(RejectionDone { act_id: done.act, count: done.instances, left }))
}
