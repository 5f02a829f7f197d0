//! C-MOVE (PS3.7 9.3.4, PS3.4 C.4.2): instances to another application entity.

use futures::StreamExt;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use storage::devices;

use super::crew::{Crew, Done};
use super::sender::Sender;
use super::suboperations::{Planned, Progress};
use super::wanted::Wanted;
use super::{answer, identifier};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::scu::{self, Options, Target};
use crate::session::Session;
use crate::sop_class::Root;

/// Sends the matching instances to the destination that the request names.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    root: Root,
) -> Result<(), End> {
    let asked = (Act::ReadImages, "retrieve");
    let meant = |identifier: &DataSet| Wanted::of(identifier, root, context.options);
    let prepared = match identifier::query(session, context, request, asked, meant).await? {
        Ok((_, wanted)) => destination(session, request).await.map(|destination| (wanted, destination)),
        Err(failure) => Err(failure),
    };
    let (wanted, Destination { target, options, letters }) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let mut progress = Progress::new();
    let kinds = match progress.plan(session, context, request, &wanted).await? {
        Planned::Kinds(kinds) => kinds,
        Planned::Cancelled => return progress.finish(session, context, request, Status::CANCEL).await,
        Planned::Failed(error) => {
            return session.refuse(context, request, Failure::of_retrieve(&error)).await;
        }
    };
    let opening = wanted.opened(session, letters);
    let mut instances = match progress.during(session, context, request, opening).await? {
        Some(Ok(opening)) => opening,
        Some(Err(failure)) => return session.refuse(context, request, failure).await,
        None => return progress.finish(session, context, request, Status::CANCEL).await,
    };
    let destination = target.called_ae.clone();
    let originator = (session.association.calling_ae.clone(), request.message_id());
    let sender = Sender::new(&session.shared, target, options, &kinds, Some(originator));
    let mut crew = Crew::new(sender, progress.remaining());
    let mut broken = None;
    let mut is_left = true;
    while is_left || !crew.is_done() {
        tokio::select! {
            event = answer::meanwhile(session) => {
                if answer::is_cancel(session, event?, request.message_id()).await? {
                    for done in crew.wind_up().await {
                        count(session, &mut progress, &destination, done).await;
                    }
                    crew.release().await;
                    return progress.finish(session, context, request, Status::CANCEL).await;
                }
            }
            instance = instances.next(), if is_left && crew.is_idle() => match instance {
                Some(Ok((place, opened))) => crew.send(place, opened),
                ended => {
                    broken = ended.and_then(Result::err);
                    is_left = false;
                }
            },
            done = crew.next(), if crew.is_busy() => if let Some(done) = done {
                count(session, &mut progress, &destination, done).await;
            },
            // One instance may take long, and the requestor has a timer.
            () = tokio::time::sleep_until(progress.due()) => {}
        }
        progress.tell(session, context, request).await?;
    }
    crew.release().await;
    if let Some(error) = broken {
        progress.broke_off(&error);
    }
    progress.finish(session, context, request, progress.status()).await
}

/// Counts what became of an instance.
async fn count(session: &mut Session, progress: &mut Progress, destination: &AeTitle, done: Done) {
    match done.result {
        Ok(response) => {
            if let Some(study) = done.place.study() {
                session.did(AuditAct::Send, study, Some(destination.as_str())).await;
            }
            progress.answered(&done.place.uid, response.status);
        }
        Err(error) => progress.failed(&done.place.uid, error.told()),
    }
}

/// Where instances go.
struct Destination {
    target: Target,
    options: Options,
    /// What it reads of text that was corrected.
    letters: CharacterSet,
}

/// The device that the request names.
async fn destination(session: &Session, request: &CommandSet) -> Result<Destination, Failure> {
    let unknown = |why: &str| Failure::new(Status::MOVE_DESTINATION_UNKNOWN, why);
    let title =
        request.ae(element::MOVE_DESTINATION).ok_or_else(|| unknown("no move destination is named"))?;
    let device = devices::by_ae(session.shared.archive.database(), &title).await;
    let device = device.map_err(|error| Failure::of_retrieve(&error))?;
    let device = device.ok_or_else(|| unknown("the move destination is not a configured device"))?;
    let (Some(host), Some(port)) = (&device.host, device.port) else {
        return Err(unknown("the move destination has no address"));
    };
    let options = session.shared.options_for(&device).map_err(unknown)?;
    let target = Target {
        address: scu::address(host, port),
        calling_ae: session.association.called_ae.clone(),
        called_ae: title,
    };
    Ok(Destination { target, options, letters: device.character_set.unwrap_or(CharacterSet::UTF_8) })
}
