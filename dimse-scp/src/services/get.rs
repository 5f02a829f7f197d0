//! C-GET (PS3.7 9.3.3, PS3.4 C.4.3, Y, Z): instances over the association that asked for them, whole or without their
//! bulk data.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use storage::InstancePlace;

use super::stored::{self, Content, Opened, Unsendable};
use super::suboperations::{Planned, Progress};
use super::wanted::Wanted;
use super::{Transcoder, commit, identifier, keys, without_bulk};
use crate::association::{Context, Contexts, End, Event};
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
    let transcoder = session.shared.transcoder.clone();
    let letters = session.caller.character_set.unwrap_or(CharacterSet::UTF_8);
    let mut instances = match given {
        Given::Whole => {
            let opening = wanted.opened(session, letters);
            match progress.during(session, context, request, opening).await? {
                Some(Ok(opening)) => opening.map_ok(|(place, opened)| (place, Ready::Whole(opened))).boxed(),
                Some(Err(failure)) => return session.refuse(context, request, failure).await,
                None => return progress.finish(session, context, request, Status::CANCEL).await,
            }
        }
        Given::WithoutBulk => wanted.places(session).map_ok(|place| (place, Ready::WithoutBulk)).boxed(),
    };
    loop {
        // One instance may take long to open, and the requestor has a timer.
        let (place, ready) = match progress.during(session, context, request, instances.next()).await? {
            Some(Some(Ok(instance))) => instance,
            Some(Some(Err(error))) => {
                progress.broke_off(&error);
                break;
            }
            Some(None) => break,
            None => return progress.finish(session, context, request, Status::CANCEL).await,
        };
        message_id = message_id.checked_add(1).unwrap_or(1);
        // Making it in an encoding that the requestor takes may take as long.
        let contexts = &session.association.contexts;
        let content = content(contexts, &place, ready, letters, &transcoder);
        let sent = match progress.during(session, context, request, content).await? {
            Some(Ok((in_context, content))) => {
                let asked_by = request.message_id();
                send(session, &place, (in_context, content), message_id, asked_by).await?
            }
            Some(Err(unsendable)) => Sent { result: Err(unsendable), cancelled: false },
            None => return progress.finish(session, context, request, Status::CANCEL).await,
        };
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

/// What goes out of an instance, and in which presentation context.
fn content<'a>(
    contexts: &Contexts,
    place: &'a InstancePlace,
    ready: Ready,
    letters: CharacterSet,
    transcoder: &'a Transcoder,
) -> BoxFuture<'a, Result<(u8, Content), Unsendable>> {
    let usable = |context: &Context| context.acceptor_is_user;
    match ready {
        Ready::Whole(Ok(opened)) => stored::ready(contexts, usable, place, opened, transcoder).boxed(),
        Ready::Whole(Err(error)) => std::future::ready(Err(error.into())).boxed(),
        Ready::WithoutBulk => without_bulk::ready(contexts, usable, place, letters, transcoder).boxed(),
    }
}

/// Sends one instance and waits for what became of it.
async fn send(
    session: &mut Session,
    place: &InstancePlace,
    (context, content): (u8, Content),
    message_id: u16,
    asked_by: u16,
) -> Result<Sent, End> {
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
