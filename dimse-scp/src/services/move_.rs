//! C-MOVE (PS3.7 9.3.4, PS3.4 C.4.2): instances to another application entity.

use futures::StreamExt;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::query::Query;
use pacs_core::text::CharacterSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use storage::{InstancePlace, devices};

use super::stored::{Opened, Unsendable, Way, is_native_little_endian, opened};
use super::suboperations::{Plan, Progress};
use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::failures::Failures;
use crate::scu::{self, MAX_CONTEXTS, Options, Proposal, Target};
use crate::session::Session;
use crate::sop_class::Root;

/// How many associations with a destination may break one after the other before it is given up.
const MAX_BROKEN: u32 = 3;

/// Sends the matching instances to the destination that the request names.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    root: Root,
) -> Result<(), End> {
    let asked = (Act::ReadImages, "retrieve");
    let meant = |identifier: &DataSet| keys::of_retrieve(identifier, root, context.options);
    let prepared = match identifier::query(session, context, request, asked, meant).await? {
        Ok((_, query)) => prepare(session, request, query).await,
        Err(failure) => Err(failure),
    };
    let (query, plan, Destination { target, options, letters }) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let mut progress = Progress::of(plan.instances);
    let destination = target.called_ae.clone();
    let originator = (session.association.calling_ae.clone(), request.message_id());
    let failures = session.shared.failures.clone();
    let mut sender = Sender::new(target, options, &plan.kinds, Some(originator), failures);
    let places =
        storage::query::find_places(session.shared.archive.database(), &query, &session.caller.scope);
    let mut instances = opened(&session.shared.archive, places, letters);
    while let Some(instance) = instances.next().await {
        if answer::cancelled(session, request.message_id()).await? {
            sender.release().await;
            return progress.finish(session, context, request, Status::CANCEL).await;
        }
        let (place, opened) = match instance {
            Ok(instance) => instance,
            Err(error) => {
                progress.broke_off(&error);
                break;
            }
        };
        match sender.send(&place, opened).await {
            Ok(response) => {
                session.did(AuditAct::Send, &place.study_uid, Some(destination.as_str())).await;
                progress.answered(&place.uid, response.status);
            }
            Err(error) => progress.failed(&place.uid, error.told()),
        }
        progress.tell(session, context, request).await?;
    }
    sender.release().await;
    progress.finish(session, context, request, progress.status()).await
}

/// Everything that has to be known before the first sub-operation.
async fn prepare(
    session: &Session,
    request: &CommandSet,
    query: Query,
) -> Result<(Query, Plan, Destination), Failure> {
    let destination = destination(session, request).await?;
    let plan = Plan::make(session, &query).await.map_err(|error| Failure::of_retrieve(&error))?;
    Ok((query, plan, destination))
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

/// Why an instance did not reach the destination.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsent {
    /// It cannot be sent as the destination wants it.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// The association failed.
    #[error(transparent)]
    Failed(#[from] scu::Error),
    /// Earlier ones did not reach it, for this reason.
    #[error("{0}")]
    GivenUp(String),
}

impl Unsent {
    /// What the requestor is told.
    pub fn told(&self) -> String {
        match self {
            Self::Unsendable(unsendable) => unsendable.told(),
            Self::Failed(_) | Self::GivenUp(_) => self.to_string(),
        }
    }
}

/// The association to the destination, opened with the first instance. What it proposes may be more
/// than one association can carry; then it is closed and opened anew as the instances need it.
pub(crate) struct Sender {
    target: Target,
    options: Options,
    proposals: Vec<Proposal>,
    /// The association, and which 128 of the proposals it carries.
    open: Option<(usize, scu::Association)>,
    /// Associations that broke one after the other without a single instance stored.
    broken: u32,
    /// Set when the destination cannot be reached, or breaks whatever is begun with it: asking again
    /// for every instance would take a timeout each.
    given_up: Option<String>,
    /// The C-MOVE request that asked for it: calling AE title and message ID.
    originator: Option<(AeTitle, u16)>,
    /// Where it is noted that it cannot be reached.
    failures: Failures,
}

impl Sender {
    /// For instances of these kinds: SOP classes, each with the transfer syntaxes they are stored in.
    pub fn new<'a>(
        target: Target,
        options: Options,
        kinds: impl IntoIterator<Item = &'a (Uid, Uid)>,
        originator: Option<(AeTitle, u16)>,
        failures: Failures,
    ) -> Self {
        Self {
            target,
            options,
            proposals: proposals(kinds),
            open: None,
            broken: 0,
            given_up: None,
            originator,
            failures,
        }
    }

    /// Sends an instance and answers what the destination says.
    pub async fn send(
        &mut self,
        place: &InstancePlace,
        opened: storage::Result<Opened>,
    ) -> Result<scu::Response, Unsent> {
        let (part, mut association) = self.association(place).await?;
        let originator = self.originator.as_ref().map(|(title, message)| (title, *message));
        let ready: Result<_, Unsendable> = async {
            let way = Way::choose(association.contexts(), place, |_| true)?;
            let content = way.content(opened?, &place.transfer_syntax).await?;
            Ok((way.context, content))
        }
        .await;
        let (context, content) = match ready {
            Ok(ready) => ready,
            Err(unsendable) => {
                self.open = Some((part, association));
                return Err(unsendable.into());
            }
        };
        let request = association.store_request(&place.class, &place.uid, originator);
        let result = association.store_stream(context, &request, content).await;
        match &result {
            Ok(_) => {
                self.open = Some((part, association));
                self.broken = 0;
            }
            Err(error) => {
                if let scu::Error::Ended(end) = error {
                    self.broken += 1;
                    if self.broken == MAX_BROKEN {
                        self.given_up = Some(format!("given up after {MAX_BROKEN} associations: {end}"));
                    }
                }
                // Half a message is out; the next instance gets an association of its own, without
                // waiting for the destination to close this one.
                tokio::spawn(association.abort());
            }
        }
        Ok(result?)
    }

    /// The association that carries the contexts this instance needs.
    async fn association(&mut self, place: &InstancePlace) -> Result<(usize, scu::Association), Unsent> {
        let fits = |proposal: &Proposal| {
            proposal.class == place.class && proposal.transfer_syntaxes.contains(&place.transfer_syntax)
        };
        let part = self.proposals.iter().position(fits).unwrap_or_default() / MAX_CONTEXTS;
        match self.open.take() {
            Some((carried, association)) if carried == part => return Ok((part, association)),
            Some((_, association)) => drop(association.release().await),
            None => {}
        }
        if let Some(why) = &self.given_up {
            return Err(Unsent::GivenUp(why.clone()));
        }
        let proposals = self.proposals.chunks(MAX_CONTEXTS).nth(part).unwrap_or_default();
        match scu::Association::connect(&self.target, proposals, &self.options).await {
            Ok(association) => Ok((part, association)),
            Err(error) => {
                self.failures.note_outgoing(&self.target, &error);
                self.given_up = Some(error.to_string());
                Err(error.into())
            }
        }
    }

    /// Ends the association, if one is open.
    pub async fn release(&mut self) {
        if let Some((_, association)) = self.open.take()
            && let Err(error) = association.release().await
        {
            tracing::debug!(%error, "the destination did not answer the release");
        }
    }
}

/// A context for each class in each stored syntax, so that everything can go out as stored; for
/// native little endian ones also the other of the two, which they can be written in.
fn proposals<'a>(kinds: impl IntoIterator<Item = &'a (Uid, Uid)>) -> Vec<Proposal> {
    let native = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut propose = |class: &Uid, syntax: Uid| {
        let proposal = Proposal::new(class.clone(), vec![syntax]);
        if !proposals.contains(&proposal) {
            proposals.push(proposal);
        }
    };
    for (class, syntax) in kinds {
        propose(class, syntax.clone());
        if is_native_little_endian(syntax) {
            native.iter().filter_map(|uid| Uid::parse(uid).ok()).for_each(|uid| propose(class, uid));
        }
    }
    proposals
}
