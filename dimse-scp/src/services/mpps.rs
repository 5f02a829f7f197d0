//! N-CREATE, N-SET and N-GET of performed procedure steps (PS3.7 10.1, PS3.4 F.7 and F.8): what a console
//! reports of its work, which moves the exam.

use pacs_core::access::{Act, may};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use storage::performed::{self, Reporter};

use super::{data_set, n_get};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::session::Session;

/// The longest data set of a step that is taken: about sixteen thousand instances named one by one.
const MAX_STEP_BYTES: usize = 2 << 20;

/// A console has begun. The UID of the step is its own, or made here where it names none.
pub async fn create(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let made = match sent(session, context, request, element::AFFECTED_SOP_CLASS_UID).await? {
        Ok(set) => begin(session, request, &set).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok(uid) => {
            let response = CommandSet::response(request, Status::SUCCESS)
                .with_uid(element::AFFECTED_SOP_CLASS_UID, &context.abstract_syntax)
                .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid);
            session.finish(context, request, response, "").await
        }
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

async fn begin(session: &Session, request: &CommandSet, set: &DataSet) -> Result<Uid, Failure> {
    let uid = match request.text(element::AFFECTED_SOP_INSTANCE_UID).filter(|uid| !uid.is_empty()) {
        Some(_) => Some(data_set::instance(request, element::AFFECTED_SOP_INSTANCE_UID)?),
        None => None,
    };
    let database = session.shared.archive.database();
    let made = performed::create(database, reporter(session), set, uid.as_ref()).await;
    let made = made.map_err(|error| Failure::of_report(&error))?;
    did(session, AuditAct::Exam, &made.uid, Some(made.state.as_str())).await;
    Ok(made.uid)
}

/// A console goes on, or has ended.
pub async fn set(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let changed = match sent(session, context, request, element::REQUESTED_SOP_CLASS_UID).await? {
        Ok(set) => go_on(session, request, &set).await,
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => session.answer(context, request, Status::SUCCESS).await,
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

async fn go_on(session: &Session, request: &CommandSet, set: &DataSet) -> Result<(), Failure> {
    let uid = data_set::instance(request, element::REQUESTED_SOP_INSTANCE_UID)?;
    let changed = performed::set(session.shared.archive.database(), reporter(session), &uid, set).await;
    let changed = changed.map_err(|error| Failure::of_report(&error))?;
    did(session, AuditAct::Exam, &uid, Some(changed.state.as_str())).await;
    Ok(())
}

/// Somebody asks what was reported of a step: all of it, or the attributes of a list.
pub async fn get(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let found = found(session, request).await;
    n_get::answer(session, context, request, found).await
}

async fn found(session: &Session, request: &CommandSet) -> Result<DataSet, Failure> {
    if !may(&session.caller.actor, Act::ReportSteps) {
        return Err(Failure::new(Status::NOT_AUTHORIZED, "this application may not read performed steps"));
    }
    let uid = data_set::instance(request, element::REQUESTED_SOP_INSTANCE_UID)?;
    let kept = performed::retrieve(session.shared.archive.database(), &session.caller.scope, &uid).await;
    let set = kept.map_err(|error| Failure::of_report(&error))?;
    did(session, AuditAct::View, &uid, None).await;
    Ok(set)
}

/// The data set of a request about this SOP class.
async fn sent(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    class: u16,
) -> Result<Result<DataSet, Failure>, End> {
    if !may(&session.caller.actor, Act::ReportSteps) {
        let why = "this application may not report performed steps";
        return Ok(Err(Failure::new(Status::NOT_AUTHORIZED, why)));
    }
    if request.uid(class).is_some_and(|class| class != context.abstract_syntax) {
        let why = "the SOP class is not the context's";
        return Ok(Err(Failure::new(Status::CLASS_INSTANCE_CONFLICT, why)));
    }
    let read = data_set::read(session, context, request, MAX_STEP_BYTES).await?;
    Ok(read.map_err(data_set::Unread::normalized))
}

fn reporter(session: &Session) -> Reporter<'_> {
    let archive = session.shared.archive.config();
    Reporter {
        actor: &session.caller.actor,
        scope: &session.caller.scope,
        calling_ae: &session.association.calling_ae,
        facility: session.caller.facility.as_deref().unwrap_or(&archive.default_facility),
        now_ms: archive.clock.now_ms(),
    }
}

async fn did(session: &Session, act: AuditAct, uid: &Uid, detail: Option<&str>) {
    let caller = &session.caller;
    let record = AuditRecord::done(&caller.actor, act, format!("performed-step:{uid}"), Some(caller.peer));
    session.shared.audit_log.record(record.because(detail).named(caller.user.as_deref())).await;
}
