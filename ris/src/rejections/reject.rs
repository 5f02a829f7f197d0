//! `POST /api/v1/studies/{studyUid}/rejections`: images are hidden from everybody.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use serde::Deserialize;
use storage::{Subject, acts};
use utoipa::ToSchema;

use super::wire::RejectionDone;
use crate::caller::Caller;
use crate::error::FieldErrors;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Most series or instances at once: each is an act of its own, that is taken back by itself.
const MOST: usize = 200;

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

/// Rejects instances, series or all of a study: they are kept, and shown and given to nobody until they are restored.
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
    let subjects: Vec<Subject> = match (form.all, form.series.as_slice(), form.instances.as_slice()) {
        (true, [], []) => vec![Subject::Study(study.clone())],
        (false, [_, ..], []) => form.series.iter().cloned().map(Subject::Series).collect(),
        (false, [_], instances) => instances.iter().cloned().map(Subject::Instance).collect(),
        _ => return Err(Error::BadRequest("either all, series or instances of one are rejected".into())),
    };
    for subject in &subjects {
        let (series, instance) = match subject {
            Subject::Study(_) => (None, None),
            Subject::Series(series) => (Some(series), None),
            Subject::Instance(instance) => (form.series.first(), Some(instance)),
        };
        if !archive.holds(&scope, &study, series, instance).await? {
            return Err(Error::NotFound);
        }
    }
    let mut done = RejectionDone { act_ids: Vec::new(), count: 0, left: 0 };
    for subject in &subjects {
        match archive.reject(&scope, &caller.actor, subject, reason).await {
            Ok(count) => done.count += count,
            // Nothing of it was shown.
            Err(storage::Error::NotFound) => continue,
            Err(error) => return Err(error.into()),
        }
        let acts = acts::of_subject(archive.database(), subject.uid().as_str(), 1).await?;
        done.act_ids.extend(acts.first().map(|act| act.id));
    }
    if done.count == 0 {
        return Err(Error::Conflict("nothing of it is shown".into()));
    }
    let what = caller.did(AuditAct::Reject, format!("study:{study}"));
    state
        .audit_log
        .record(what.because(Some(format!("instances: {}: {}", done.count, reason.meaning()))))
        .await;
    done.left = super::of_study::shown(&state, &scope, &study).await?;
    Ok(Json(done))
}
