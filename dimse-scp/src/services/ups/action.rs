//! N-ACTION with a step (PS3.4 CC.2.1 to CC.2.3): claims and ends it, asks that it be cancelled, or has somebody told
//! of it.

use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;
use pacs_core::ups::state::State;
use storage::ups::{self, Cancelled};

use super::subscription::{self, Change};
use super::{asker, check, did, sent, transaction};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::services::data_set;
use crate::session::Session;
use crate::sop_class::Steps;

/// The action that a request asks for (PS3.4 tables CC.2.1-1, CC.2.2-1, CC.2.3-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// 1
    ChangeState,
    /// 2
    RequestCancel,
    /// 3, 4, 5
    Follow(Change),
}

impl Action {
    /// The action of that number, where the part of the service has it.
    fn of(number: u16, part: Steps) -> Option<Self> {
        match (number, part) {
            (1, Steps::Pull) => Some(Self::ChangeState),
            (2, Steps::Push | Steps::Watch) => Some(Self::RequestCancel),
            (3, Steps::Watch) => Some(Self::Follow(Change::Subscribe)),
            (4, Steps::Watch) => Some(Self::Follow(Change::Unsubscribe)),
            (5, Steps::Watch) => Some(Self::Follow(Change::Suspend)),
            _ => None,
        }
    }
}

/// Does what is asked.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    part: Steps,
) -> Result<(), End> {
    let done = match meant(session, context, request, part) {
        // Everything that a request to cancel says is optional; without it the others lack what they need.
        Ok((action, step)) => match sent(session, context, request).await? {
            Ok(set) => act(session, context, (action, step), &set.unwrap_or_default()).await,
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    match done {
        Ok(status) => session.answer(context, request, status).await,
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

fn meant(
    session: &Session,
    context: &Context,
    request: &CommandSet,
    part: Steps,
) -> Result<(Action, Uid), Failure> {
    let what = (Act::DoSteps, "change or follow steps");
    check(session, context, request, what, element::REQUESTED_SOP_CLASS_UID)?;
    let step = data_set::instance(request, element::REQUESTED_SOP_INSTANCE_UID)?;
    let number = request.number(element::ACTION_TYPE_ID);
    let action = number.and_then(|number| Action::of(number, part));
    let none = || Failure::new(Status::NO_SUCH_ACTION, "not an action of the negotiated SOP class");
    Ok((action.ok_or_else(none)?, step))
}

async fn act(
    session: &Session,
    context: &Context,
    (action, step): (Action, Uid),
    set: &DataSet,
) -> Result<Status, Failure> {
    match action {
        Action::ChangeState => change_state(session, &step, set).await,
        Action::RequestCancel => request_cancel(session, &step, set).await,
        Action::Follow(change) => subscription::serve(session, context, (change, step), set).await,
    }
}

async fn change_state(session: &Session, step: &Uid, set: &DataSet) -> Result<Status, Failure> {
    let to = set.text(tags::PROCEDURE_STEP_STATE).as_deref().and_then(State::parse);
    let to = to.ok_or_else(|| {
        Failure::new(Status::INVALID_ARGUMENT, "ProcedureStepState: IN PROGRESS, COMPLETED or CANCELED")
    })?;
    let key = transaction(set)?;
    let (database, asker) = (session.shared.archive.database(), asker(session, &session.caller.actor));
    let already = ups::change_state(database, &asker, step, to, key.as_ref()).await;
    match already.map_err(|error| Failure::of_step(&error))? {
        Some(State::Canceled) => Ok(Status::UPS_ALREADY_CANCELED),
        Some(_) => Ok(Status::UPS_ALREADY_COMPLETED),
        None => {
            did(session, AuditAct::Step, step, Some(to.as_str())).await;
            Ok(Status::SUCCESS)
        }
    }
}

async fn request_cancel(session: &Session, step: &Uid, set: &DataSet) -> Result<Status, Failure> {
    let (database, asker) = (session.shared.archive.database(), asker(session, &session.caller.actor));
    let asked = ups::request_cancel(database, &asker, step, set).await;
    let what = match asked.map_err(|error| Failure::of_step(&error))? {
        Cancelled::Done => State::Canceled.as_str(),
        Cancelled::Asked => "request to cancel",
        Cancelled::Already => return Ok(Status::UPS_ALREADY_CANCELED),
    };
    did(session, AuditAct::Step, step, Some(what)).await;
    Ok(Status::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Steps::*;

    #[test]
    fn each_part_has_the_actions_of_the_standard() {
        for (number, parts) in [
            (0, [false, false, false]),
            (1, [false, false, true]),
            (2, [true, true, false]),
            (3, [false, true, false]),
            (4, [false, true, false]),
            (5, [false, true, false]),
            (6, [false, false, false]),
        ] {
            assert_eq!([Push, Watch, Pull].map(|part| Action::of(number, part).is_some()), parts, "{number}");
        }
    }
}
