//! N-GET of a step (PS3.4 CC.2.7), without its transaction UID.

use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use storage::ups;

use super::{check, did};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, command::element};
use crate::error::Failure;
use crate::services::{data_set, n_get};
use crate::session::Session;

/// Answers with the step, or the attributes of it that are asked for.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let found = find(session, context, request).await;
    n_get::answer(session, context, request, found).await
}

async fn find(session: &Session, context: &Context, request: &CommandSet) -> Result<DataSet, Failure> {
    let what = (Act::SeeWorklist, "see steps");
    check(session, context, request, what, element::REQUESTED_SOP_CLASS_UID)?;
    let uid = data_set::instance(request, element::REQUESTED_SOP_INSTANCE_UID)?;
    let step = ups::retrieve(session.shared.archive.database(), &session.caller.scope, &uid).await;
    let step = step.map_err(|error| Failure::of_step(&error))?;
    did(session, AuditAct::View, &uid, None).await;
    Ok(step)
}
