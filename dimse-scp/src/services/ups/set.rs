//! N-SET of a step (PS3.4 CC.2.6): changes attributes, of one in progress by who performs it alone.

use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use storage::ups;

use super::{asker, check, did, needed, transaction};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::services::data_set;
use crate::session::Session;

/// Lays the modification list over the step.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let what = (Act::DoSteps, "change steps");
    let changed = match check(session, context, request, what, element::REQUESTED_SOP_CLASS_UID) {
        Ok(()) => match needed(session, context, request).await? {
            Ok(set) => change(session, request, &set).await,
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => session.answer(context, request, Status::SUCCESS).await,
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

async fn change(session: &Session, request: &CommandSet, set: &DataSet) -> Result<(), Failure> {
    let uid = data_set::instance(request, element::REQUESTED_SOP_INSTANCE_UID)?;
    let key = transaction(set)?;
    let asker = asker(session, &session.caller.actor);
    let changed = ups::update(session.shared.archive.database(), &asker, &uid, set, key.as_ref()).await;
    changed.map_err(|error| Failure::of_step(&error))?;
    did(session, AuditAct::Step, &uid, Some("update")).await;
    Ok(())
}
