//! N-ACTION and N-EVENT-REPORT of storage commitment (PS3.4 J): a device asks whether its images are safe,
//! and is told once they are.

use pacs_core::access::{Act, may};
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::{Uid, UidError};
use pacs_core::{Tag, tags, transfer_syntax};
use storage::commitment::{self, Reference, Request, Task};
use storage::transfers::commitments;

use super::data_set::{self, Unread};
use crate::association::{Context, End};
use crate::commitment::{LEASE_MS, Ready, Told, instance};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::error::Failure;
use crate::session::Session;

/// The longest request that is taken: about fifteen thousand instances.
const MAX_REQUEST_BYTES: usize = 2 << 20;
/// Request Storage Commitment, the only action there is.
const REQUEST_COMMITMENT: u16 = 1;

/// Keeps a request, answers, and begins to find out.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let kept = match check(session, request) {
        Ok(()) => match data_set::read(session, context, request, MAX_REQUEST_BYTES).await? {
            Ok(set) => keep(session, &set).await,
            Err(unread) => Err(Unread::normalized(unread)),
        },
        Err(failure) => Err(failure),
    };
    match kept {
        Ok(task) => {
            session.answer(context, request, Status::SUCCESS).await?;
            if let Some(task) = task {
                session.commitments.begin(context.id, task).await;
            }
            Ok(())
        }
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

fn check(session: &Session, request: &CommandSet) -> Result<(), Failure> {
    if !may(&session.caller.actor, Act::StoreImages) {
        return Err(Failure::new(Status::NOT_AUTHORIZED, "this application may not store"));
    }
    let asked = Uid::parse(&request.text(element::REQUESTED_SOP_INSTANCE_UID).unwrap_or_default()).map_err(
        |why| Failure::new(Status::INVALID_INSTANCE, format!("Requested SOP Instance UID: {why}")),
    )?;
    if Some(asked) != instance() {
        return Err(Failure::new(Status::NO_SUCH_INSTANCE, "not the instance of the push model"));
    }
    if request.number(element::ACTION_TYPE_ID) != Some(REQUEST_COMMITMENT) {
        return Err(Failure::new(Status::NO_SUCH_ACTION, "the only action is 1, request commitment"));
    }
    Ok(())
}

/// Writes a request down; `None` when it is one that is being answered already.
async fn keep(session: &Session, set: &DataSet) -> Result<Option<Task>, Failure> {
    let items = set.items(tags::REFERENCED_SOP_SEQUENCE);
    if items.is_empty() {
        return Err(invalid("ReferencedSOPSequence is missing or empty"));
    }
    let reference = |item: &DataSet| {
        Ok(Reference {
            class: needed(item, tags::REFERENCED_SOP_CLASS_UID)?,
            instance: needed(item, tags::REFERENCED_SOP_INSTANCE_UID)?,
        })
    };
    let request = Request {
        transaction: needed(set, tags::TRANSACTION_UID)?,
        device: session.association.calling_ae.clone(),
        called: session.association.called_ae.clone(),
        references: items.iter().map(reference).collect::<Result<_, Failure>>()?,
    };
    let (archive, worker) = (&session.shared.archive, session.commitments.worker());
    commitment::begin(archive.database(), request, worker, LEASE_MS, archive.config().clock.now_ms())
        .await
        .map_err(|error| Failure::of_action(&error))
}

fn needed(set: &DataSet, tag: Tag) -> Result<Uid, Failure> {
    let uid = set.uid(tag).unwrap_or(Err(UidError::Empty));
    uid.map_err(|why| invalid(format!("{}: {why}", dataset::keyword_of(tag).unwrap_or_default())))
}

fn invalid(why: impl Into<String>) -> Failure {
    Failure::new(Status::INVALID_ARGUMENT, why)
}

/// Sends a report on the association that asked for it.
pub async fn tell(session: &mut Session, ready: Ready) -> Result<(), End> {
    let Ready { context, task, report } = ready;
    let found = session.association.contexts.get(context).cloned();
    let (Some(context), Some(instance)) = (found, instance()) else {
        session.commitments.hand_over(&task).await;
        return Ok(());
    };
    let mut encoded = Vec::new();
    if let Err(error) =
        dataset::write(&report.data, &transfer_syntax::of(&context.transfer_syntax), &mut encoded)
    {
        tracing::error!(%error, "a storage commitment report cannot be written");
        session.commitments.hand_over(&task).await;
        return Ok(());
    }
    let event = report.event;
    let message_id = session.commitments.number(task, report);
    let command = CommandSet::request(CommandField::NEventReport, message_id)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &context.abstract_syntax)
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &instance)
        .with_number(element::EVENT_TYPE_ID, event)
        .followed_by_data();
    session.association.writer.message(context.id, &command, Some(&encoded)).await
}

/// A response came: the device has taken a report, or does not want it here.
pub async fn answered(session: &mut Session, response: &CommandSet) -> Result<(), End> {
    let about = response.responds_to().filter(|_| response.answers() == Some(CommandField::NEventReport));
    let Some((task, report)) = about.and_then(|message_id| session.commitments.answered(message_id)) else {
        return Err(End::unexpected("a response without a request"));
    };
    session.association.reader.skip_data().await?;
    let status = response.status().unwrap_or(Status::PROCESSING_FAILURE);
    session.tally.operation(CommandField::NEventReport, status, "");
    if status.is_failure() {
        session.commitments.hand_over(&task).await;
        return Ok(());
    }
    let database = session.shared.archive.database();
    match commitment::reported(database, &task, session.commitments.worker()).await {
        Ok(()) => {
            report.log(&task.request.device);
            let record = report.record(Some(session.caller.peer)).named(session.caller.user.as_deref());
            session.shared.audit_log.record(record).await;
        }
        // The lease had run out, and the report was sent once more.
        Err(error) => tracing::debug!(%error, "a storage commitment report was answered late"),
    }
    Ok(())
}

/// A device reports whether it keeps what was sent to it, on an association of its own.
pub async fn told(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let told = match data_set::read(session, context, request, MAX_REQUEST_BYTES).await? {
        Ok(set) => match Told::read(&set) {
            Some(told) => note(session, &told).await,
            None => Err(invalid("TransactionUID is missing or none")),
        },
        Err(unread) => Err(Unread::normalized(unread)),
    };
    match told {
        Ok(()) => session.answer(context, request, Status::SUCCESS).await,
        Err(failure) => session.refuse(context, request, failure).await,
    }
}

async fn note(session: &Session, told: &Told) -> Result<(), Failure> {
    let (archive, device) = (&session.shared.archive, &session.association.calling_ae);
    let (database, now_ms) = (archive.database(), archive.config().clock.now_ms());
    let asked = commitments::reported(database, device, &told.transaction, &told.failed, now_ms).await;
    match asked.map_err(|error| Failure::of_action(&error))? {
        Some(_) => Ok(()),
        None => Err(invalid("this device was not asked that")),
    }
}
