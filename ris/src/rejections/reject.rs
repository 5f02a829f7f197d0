//! `POST /api/v1/studies/{studyUid}/rejections`: images are hidden from everybody.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use serde::Deserialize;
use storage::Subject;
use utoipa::ToSchema;

use super::wire::RejectionDone;
use crate::caller::Caller;
use crate::error::FieldErrors;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Most series or instances that are named at once: each is looked for. The page says so too.
const MOST: usize = 1000;

/// Which images, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RejectForm {
    /// Code Value of the reason in the scheme DCM (PS3.16 CID 7011): `113001` (quality), `113037` (patient safety),
    /// `113038` (incorrect worklist entry) or `113039` (retention expired).
    code: String,
    /// Series to be rejected; with instances the one that these are in.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    series: Vec<Uid>,
    /// Instances of one series to be rejected.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    instances: Vec<Uid>,
    /// Rejects all of the study.
    #[serde(default)]
    all: bool,
}

/// Rejects instances, series or all of a study, by one act: they are kept, and shown and given to nobody until they are
/// restored.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/rejections",
    tag = "rejections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = RejectForm,
    responses((status = 200, body = RejectionDone), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "Nothing of it is shown", body = crate::error::Problem))
)]
pub async fn reject(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<RejectForm>,
) -> Result<Json<RejectionDone>> {
    caller.needs(Act::RejectImages)?;
    let unknown = || Error::Fields(FieldErrors::from([("code", "invalid")]));
    let reason = Rejection::of_code(&form.code).ok_or_else(unknown)?;
    if form.series.len().max(form.instances.len()) > MOST {
        return Err(Error::BadRequest("more series or instances than are rejected at once".into()));
    }
    let archive = &state.archive;
    let scope = caller.scope();
    let (subject, some): (_, &[Uid]) = match (form.all, form.series.as_slice(), form.instances.as_slice()) {
        (true, [], []) => (Subject::Study(study.clone()), &[]),
        (false, [series], []) => (Subject::Series(series.clone()), &[]),
        (false, series @ [_, ..], []) => (Subject::Study(study.clone()), series),
        (false, [_], [instance]) => (Subject::Instance(instance.clone()), &[]),
        (false, [series], instances) => (Subject::Series(series.clone()), instances),
        _ => return Err(Error::BadRequest("either all, series or instances of one are rejected".into())),
    };
    let named = form.series.iter().map(|series| (Some(series), None));
    let named = named.chain(form.instances.iter().map(|uid| (form.series.first(), Some(uid))));
    for (series, instance) in named.chain([(None, None)]) {
        if !archive.holds(&scope, &study, series, instance).await? {
            return Err(Error::NotFound);
        }
    }
    let done = match some {
        [] => archive.reject(&scope, &caller.actor, &subject, reason).await,
        some => archive.reject_some(&scope, &caller.actor, (&subject, some), reason).await,
    };
    let done = done.map_err(|error| match error {
        storage::Error::NotFound => Error::Conflict("nothing of it is shown".into()),
        error => error.into(),
    })?;
    let what = caller.did(AuditAct::Reject, format!("study:{study}"));
    let why = format!("instances: {}: {}", done.instances, reason.meaning());
    state.audit_log.record(what.because(Some(why))).await;
    let left = super::of_study::shown(&state, &scope, &study).await?;
    Ok(Json(RejectionDone { act_id: done.act, count: done.instances, left }))
}
