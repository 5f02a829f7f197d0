//! `POST /api/v1/studies/{studyUid}/corrections`, and `…/preview` of what that would do.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::correction::{Edit, Level};
use pacs_core::dataset::{keyword_of, tag_of};
use pacs_core::uid::Uid;
use serde::Deserialize;
use storage::corrections::Correction;
use utoipa::ToSchema;

use super::wire::{Done, Effect};
use crate::caller::Caller;
use crate::error::FieldErrors;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// New values of attributes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CorrectionForm {
    /// The series that is meant; without it the study, and the patient as they stand in it.
    #[schema(value_type = Option<String>)]
    series_uid: Option<Uid>,
    /// New values by DICOM keyword; null takes a value away.
    attributes: BTreeMap<String, Option<String>>,
    /// Why, for the history. A preview needs none.
    reason: Option<String>,
}

impl CorrectionForm {
    fn edit(&self) -> Result<Edit> {
        let level = if self.series_uid.is_some() { Level::Series } else { Level::Study };
        let given = self.attributes.iter().map(|(keyword, value)| (keyword.as_str(), value.as_deref()));
        Edit::read(level, given).map_err(|faults| {
            let named = |keyword: &str| tag_of(keyword).and_then(keyword_of).unwrap_or("attributes");
            let errors = faults.iter().map(|(keyword, fault)| (named(keyword), fault.as_str()));
            Error::Fields(errors.collect::<FieldErrors>())
        })
    }
}

/// Corrects what a study, the patient in it or a series says. Stored bytes stay as they are.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/corrections",
    tag = "corrections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = CorrectionForm,
    responses((status = 200, body = Done), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn correct(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<CorrectionForm>,
) -> Result<Json<Done>> {
    caller.needs(Act::CorrectImages)?;
    let edit = form.edit()?;
    let reason = reason(form.reason, true)?.unwrap_or_default();
    let wanted = Correction { study: &study, series: form.series_uid.as_ref(), edit, reason: &reason };
    let (act_id, corrected) = state.archive.correct(&caller.scope(), &caller.actor, &wanted).await?;
    let done = caller.did(AuditAct::Correct, format!("study:{study}")).because(Some(reason.as_str()));
    state.audit_log.record(done).await;
    Ok(Json(Done { act_id, effect: corrected.into() }))
}

/// What a correction would do: every attribute before and after, and where the study would belong.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/corrections/preview",
    tag = "corrections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = CorrectionForm,
    responses((status = 200, body = Effect), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn preview(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<CorrectionForm>,
) -> Result<Json<Effect>> {
    caller.needs(Act::CorrectImages)?;
    let edit = form.edit()?;
    let wanted = Correction { study: &study, series: form.series_uid.as_ref(), edit, reason: "" };
    let effect = state.archive.preview_correction(&caller.scope(), &caller.actor, &wanted).await?;
    Ok(Json(effect.into()))
}
