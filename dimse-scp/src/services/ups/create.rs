//! N-CREATE of a step (PS3.4 CC.2.5).

use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;
use storage::ups::{self, NewStep};

use super::{asker, check, did, needed};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::services::data_set;
use crate::session::Session;

/// Makes a step, under the UID that the request names, or under a new one.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let what = (Act::DoSteps, "create steps");
    let made = match check(session, context, request, what, element::AFFECTED_SOP_CLASS_UID) {
        Ok(()) => match needed(session, context, request).await? {
            Ok(set) => create(session, request, set).await,
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    match made {
        Ok(NewStep { uid, is_modified }) => {
            let status = if is_modified { Status::UPS_MODIFIED } else { Status::SUCCESS };
            let response = CommandSet::response(request, status)
                .with_uid(element::AFFECTED_SOP_CLASS_UID, &context.abstract_syntax)
                .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid);
            session.finish(context, request, response, "").await
        }
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

async fn create(session: &Session, request: &CommandSet, set: DataSet) -> Result<NewStep, Failure> {
    let uid = uid(request, &set)?;
    let asker = asker(session, &session.caller.actor);
    let made = ups::create(session.shared.archive.database(), &asker, set, uid.as_ref()).await;
    let made = made.map_err(|error| Failure::of_step(&error))?;
    did(session, AuditAct::Step, &made.uid, Some("create")).await;
    Ok(made)
}

/// The UID of the command, else that of the data set. Two that differ leave open what is meant.
fn uid(request: &CommandSet, set: &DataSet) -> Result<Option<Uid>, Failure> {
    let affected = element::AFFECTED_SOP_INSTANCE_UID;
    let named = match request.text(affected).filter(|uid| !uid.is_empty()) {
        Some(_) => Some(data_set::instance(request, affected)?),
        None => None,
    };
    let of_set = set.uid(tags::SOP_INSTANCE_UID).transpose();
    let of_set =
        of_set.map_err(|why| Failure::new(Status::INVALID_INSTANCE, format!("SOP Instance UID: {why}")))?;
    match (named, of_set) {
        (Some(named), Some(of_set)) if named != of_set => {
            Err(Failure::new(Status::INVALID_INSTANCE, "SOPInstanceUID is not the affected instance"))
        }
        (named, of_set) => Ok(named.or(of_set)),
    }
}
