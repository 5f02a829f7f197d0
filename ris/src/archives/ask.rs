//! `POST /api/v1/archives/{aeTitle}/queries`: a question to another archive.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::{AeTitle, Uid};
use serde::Deserialize;
use storage::remote_queries::{self, Keys};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::dates;
use crate::error::FieldErrors;
use crate::field::{LONG_CHARS, SHORT_CHARS, text};
use crate::queue::Queued;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// What is looked for. At least one of these; `*` and `?` are wildcards.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QueryForm {
    patient_id: Option<String>,
    /// The beginning of the name as the archive writes it, such as `NGUYEN^VAN`.
    patient_name: Option<String>,
    accession_number: Option<String>,
    modality: Option<String>,
    /// First study date, `YYYY-MM-DD`.
    from: Option<String>,
    /// Last study date, `YYYY-MM-DD`.
    to: Option<String>,
    /// Study Instance UID.
    study_uid: Option<String>,
}

impl QueryForm {
    fn keys(self) -> Result<Keys> {
        let mut errors = FieldErrors::new();
        let mut date = |field: &'static str, value: Option<String>| {
            let given = value.filter(|value| !value.is_empty())?;
            let read = dates::dicom_date(&given);
            if read.is_none() {
                errors.insert(field, "date");
            }
            read
        };
        let (from, to) = (date("from", self.from), date("to", self.to));
        let study = match self.study_uid.filter(|uid| !uid.is_empty()).map(|uid| Uid::parse(&uid)) {
            Some(Err(_)) => {
                errors.insert("studyUid", "invalid");
                None
            }
            read => read.and_then(std::result::Result::ok),
        };
        let keys = Keys {
            patient_id: text(&mut errors, "patientId", self.patient_id, LONG_CHARS),
            patient_name: text(&mut errors, "patientName", self.patient_name, LONG_CHARS),
            accession_number: text(&mut errors, "accessionNumber", self.accession_number, SHORT_CHARS),
            modality: text(&mut errors, "modality", self.modality, SHORT_CHARS),
            from,
            to,
            study,
        };
        if !errors.is_empty() {
            return Err(Error::Fields(errors));
        }
        if keys.is_empty() {
            return Err(Error::BadRequest("nothing is looked for".into()));
        }
        Ok(keys)
    }
}

/// Asks another archive which studies it has. The answer is at `/api/v1/archives/queries/{id}` a moment later.
#[utoipa::path(
    post,
    path = "/api/v1/archives/{aeTitle}/queries",
    tag = "archives",
    params(("aeTitle" = String, Path, description = "AE title of the archive")),
    request_body = QueryForm,
    responses(
        (status = 202, body = Queued),
        (status = 400, body = crate::error::Problem),
        (status = 409, description = "It is no configured device with an address", body = crate::error::Problem)
    )
)]
pub async fn ask(
    Has(state): Has<State>,
    caller: Caller,
    Segments(archive): Segments<AeTitle>,
    Body(form): Body<QueryForm>,
) -> Result<(StatusCode, Json<Queued>)> {
    caller.needs(Act::QueryArchives)?;
    let keys = form.keys()?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    let id = remote_queries::ask(database, &caller.actor, &archive, &keys, now_ms).await?;
    let done = caller.did(AuditAct::Retrieve, format!("archive:{archive}")).because(Some("query"));
    state.audit_log.record(done).await;
    Ok((StatusCode::ACCEPTED, Json(Queued { id: id.0 })))
}
