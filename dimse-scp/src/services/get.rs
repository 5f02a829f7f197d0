//! C-GET (PS3.7 9.3.3, PS3.4 C.4.3, Y, Z): instances over the association that asked for them, whole or without their
//! bulk data.

use futures::{StreamExt, TryStreamExt};
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use storage::InstancePlace;

use super::stored::{self, Opened, Unsendable};
use super::suboperations::{Planned, Progress};
use super::wanted::Wanted;
use super::{answer, commit, identifier, keys, without_bulk};
use crate::association::{Context, End, Event};
use crate::dimse::{CommandField, CommandSet, Status};
use crate::error::Failure;
use crate::scu;
use crate::session::Session;
use crate::sop_class::Root;

/// What of an instance is given.
#[derive(Debug, Clone, Copy)]
pub enum Given {
    /// All of it.
    Whole,
    /// All but its bulk data.
    WithoutBulk,
}

/// An instance whose turn comes.
enum Ready {
    Whole(storage::Result<Opened>),
    WithoutBulk,
}

/// Sends the matching instances, each as a C-STORE sub-operation.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    root: Root,
    given: Given,
) -> Result<(), End> {
    let asked = (Act::ReadImages, "retrieve");
    let meant = |identifier: &DataSet| match given {
        Given::Whole => Wanted::of(identifier, root, context.options),
        // There are no frames to be chosen from.
        Given::WithoutBulk => keys::of_retrieve(identifier, root, context.options).map(Wanted::Instances),
    };
    let (_, wanted) = match identifier::query(session, context, request, asked, meant).await? {
        Ok(wanted) => wanted,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let mut progress = Progress::new();
    match progress.plan(session, context, request, &wanted).await? {
        Planned::Kinds(_) => {}
        Planned::Cancelled => return progress.finish(session, context, request, Status::CANCEL).await,
        Planned::Failed(error) => {
            return session.refuse(context, request, Failure::of_retrieve(&error)).await;
        }
    }
    let mut message_id = 0u16;
    let letters = session.caller.character_set.unwrap_or(CharacterSet::UTF_8);
    let mut instances = match given {
        Given::Whole => match wanted.opened(session, letters).await {
            Ok(opening) => opening.map_ok(|(place, opened)| (place, Ready::Whole(opened))).boxed(),
            Err(failure) => return session.refuse(context, request, failure).await,
        },
        Given::WithoutBulk => wanted.places(session).map_ok(|place| (place, Ready::WithoutBulk)).boxed(),
    };
    loop {
        let instance = tokio::select! {
            biased;
            event = answer::meanwhile(session) => {
                if answer::is_cancel(session, event?, request.message_id()).await? {
                    return progress.finish(session, context, request, Status::CANCEL).await;
                }
                continue;
            }
            instance = instances.next() => instance,
            // One instance may take long to open, and the requestor has a timer.
            () = tokio::time::sleep_until(progress.due()) => {
                progress.tell(session, context, request).await?;
                continue;
            }
        };
        let (place, ready) = match instance {
            Some(Ok(instance)) => instance,
            Some(Err(error)) => {
                progress.broke_off(&error);
                break;
            }
            None => break,
        };
        message_id = message_id.checked_add(1).unwrap_or(1);
        let sent = send(session, &place, ready, message_id, request.message_id()).await?;
        match sent.result {
            Ok(response) => {
                if let Some(study) = place.study() {
                    session.did(AuditAct::Send, study, None).await;
                }
                progress.answered(&place.uid, response.status);
            }
            Err(unsendable) => progress.failed(&place.uid, unsendable.told()),
        }
        if sent.cancelled {
            return progress.finish(session, context, request, Status::CANCEL).await;
        }
        progress.tell(session, context, request).await?;
    }
    progress.finish(session, context, request, progress.status()).await
}

struct Sent {
    result: Result<scu::Response, Unsendable>,
    /// Whether a C-CANCEL came before the response.
    cancelled: bool,
}

/// Sends one instance and waits for what became of it.
async fn send(
    session: &mut Session,
    place: &InstancePlace,
    ready: Ready,
    message_id: u16,
    asked_by: u16,
) -> Result<Sent, End> {
    let content = async {
        let (contexts, transcoder) = (&session.association.contexts, &session.shared.transcoder);
        let usable = |context: &Context| context.acceptor_is_user;
        match ready {
            Ready::Whole(opened) => stored::ready(contexts, usable, place, opened?, transcoder).await,
            Ready::WithoutBulk => {
                let letters = session.caller.character_set.unwrap_or(CharacterSet::UTF_8);
                without_bulk::ready(contexts, usable, place, letters, transcoder).await
            }
        }
    };
    let (context, content) = match content.await {
        Ok(ready) => ready,
        Err(unsendable) => return Ok(Sent { result: Err(unsendable), cancelled: false }),
    };
    let request = scu::store_request(message_id, &place.class, &place.uid, None);
    // Content that fails midway leaves half a message behind: the association cannot go on.
    scu::send(&mut session.association.writer, context, &request, content).await?;
    let (response, cancelled) = response(session, message_id, asked_by).await?;
    Ok(Sent { result: Ok(scu::response_of(&response)), cancelled })
}

/// The response to our C-STORE request. A C-CANCEL may come before it.
async fn response(session: &mut Session, message_id: u16, asked_by: u16) -> Result<(CommandSet, bool), End> {
    let limit = session.shared.config.timeouts.response;
    let mut cancelled = false;
    loop {
        let event = session.association.reader.event_within(limit).await.map_err(|end| match end {
            End::Idle => End::Stalled,
            end => end,
        })?;
        let Event::Message(_, message) = event else {
            return Err(End::unexpected("a release while an operation is under way"));
        };
        match message.operation() {
            Some(CommandField::Cancel) => cancelled |= message.responds_to() == Some(asked_by),
            None if message.answers() == Some(CommandField::Store)
                && message.responds_to() == Some(message_id)
                && message.status().is_some() =>
            {
                session.association.reader.skip_data().await?;
                return Ok((message, cancelled));
            }
            // It may be the answer to a report of ours.
            None => commit::answered(session, &message).await?,
            _ => return Err(End::unexpected("a message that does not answer ours")),
        }
    }
}
