//! One association with a destination, and what becomes of the instances that are sent over it: for C-MOVE and for what
//! is queued.

use std::collections::BTreeMap;
use std::sync::Arc;

use pacs_core::uid::{AeTitle, Uid};
use storage::InstancePlace;

use super::Transcoder;
use super::stored::{self, Opened, Unsendable};
use super::transcoded::{TARGETS, Target as Form};
use crate::failures::Failures;
use crate::listener::Shared;
use crate::pdu::Rejection;
use crate::scu::{self, MAX_CONTEXTS, Options, Proposal, Target};

/// The result of an association that is rejected for good (PS3.8 table 9-21).
const PERMANENT: u8 = 1;
/// So often a kind is asked for that is rejected for the moment.
const MAX_TURNED_AWAY: u32 = 3;
/// How many associations with a destination may break one after the other before it is given up.
const MAX_BROKEN: u32 = 3;

/// Why an instance did not reach the destination.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsent {
    /// It cannot be sent as the destination wants it.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// No association came about: the instance was not begun.
    #[error(transparent)]
    Unopened(scu::Error),
    /// The association failed.
    #[error(transparent)]
    Failed(#[from] scu::Error),
    /// The association for a kind that nobody knew of when the others were proposed was rejected: the instance was not
    /// begun, and says nothing of others.
    #[error(transparent)]
    LateKind(scu::Error),
    /// Earlier ones did not reach it, for this reason: the instance was not begun.
    #[error("{0}")]
    GivenUp(String),
}

impl Unsent {
    /// What the requestor is told.
    pub fn told(&self) -> String {
        match self {
            Self::Unsendable(unsendable) => unsendable.told(),
            Self::Unopened(_) | Self::Failed(_) | Self::LateKind(_) | Self::GivenUp(_) => self.to_string(),
        }
    }
}

/// The association to the destination, opened with the first instance. What it proposes may be more
/// than one association can carry; then it is closed and opened anew as the instances need it.
pub(crate) struct Sender {
    target: Target,
    options: Options,
    /// What is proposed, in parts of at most 128 contexts; a SOP class is in one part.
    parts: Arc<Vec<Vec<Proposal>>>,
    /// How many of them were made at the beginning; those behind are each for a kind that has come since.
    known_parts: usize,
    /// Those of the later ones whose association was rejected, and how often one after the other.
    rejected: BTreeMap<usize, (Rejection, u32)>,
    /// The association, and which part of the proposals it carries.
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
    transcoder: Transcoder,
}

impl Sender {
    /// For instances of these kinds: SOP classes, each with the transfer syntaxes they are stored in. Opens nothing
    /// yet.
    pub fn new<'a>(
        shared: &Shared,
        target: Target,
        options: Options,
        kinds: impl IntoIterator<Item = &'a (Uid, Uid)>,
        originator: Option<(AeTitle, u16)>,
    ) -> Self {
        let parts = parts(kinds);
        Self {
            target,
            options,
            known_parts: parts.len(),
            parts: Arc::new(parts),
            rejected: BTreeMap::new(),
            open: None,
            broken: 0,
            given_up: None,
            originator,
            failures: shared.failures.clone(),
            transcoder: shared.transcoder.clone(),
        }
    }

    /// One more of its kind, for another association.
    pub fn another(&self) -> Self {
        Self {
            target: self.target.clone(),
            options: self.options.clone(),
            parts: Arc::clone(&self.parts),
            known_parts: self.known_parts,
            rejected: self.rejected.clone(),
            open: None,
            broken: 0,
            given_up: None,
            originator: self.originator.clone(),
            failures: self.failures.clone(),
            transcoder: self.transcoder.clone(),
        }
    }

    /// Whether one association carries all that is proposed.
    pub fn has_one_part(&self) -> bool {
        self.parts.len() == 1
    }

    /// Opens the association of the first part.
    pub async fn join(&mut self) -> Result<(), scu::Error> {
        let proposals = self.parts.first().map(Vec::as_slice).unwrap_or_default();
        self.open = Some((0, scu::Association::connect(&self.target, proposals, &self.options).await?));
        Ok(())
    }

    /// Whether nothing more is begun with it.
    pub fn has_given_up(&self) -> bool {
        self.given_up.is_some()
    }

    /// Opens the association that an instance needs, unless it is open.
    pub async fn prepare(&mut self, place: &InstancePlace) -> Result<(), Unsent> {
        self.open = Some(self.association(place).await?);
        Ok(())
    }

    /// Sends an instance and waits for the answer.
    pub async fn send(
        &mut self,
        place: &InstancePlace,
        opened: storage::Result<Opened>,
    ) -> Result<scu::Response, Unsent> {
        let (part, mut association) = self.association(place).await?;
        let originator = self.originator.as_ref().map(|(title, message)| (title, *message));
        let contexts = association.contexts();
        let ready = match opened {
            Ok(opened) => stored::ready(contexts, |_| true, place, opened, &self.transcoder).await,
            Err(error) => Err(error.into()),
        };
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

    /// The part of the proposals that an instance needs. One of a kind that nobody knew of when the parts were made,
    /// since it has come meanwhile, gets a part of its own: the destination has not been asked whether it takes it.
    fn part_of(&mut self, place: &InstancePlace) -> usize {
        let is_for = |proposal: &Proposal| {
            proposal.class == place.class && proposal.transfer_syntaxes.contains(&place.transfer_syntax)
        };
        if let Some(part) = self.parts.iter().position(|part| part.iter().any(is_for)) {
            return part;
        }
        let kind = (place.class.clone(), place.transfer_syntax.clone());
        let known = Arc::make_mut(&mut self.parts);
        known.extend(parts([&kind]));
        known.len().saturating_sub(1)
    }

    /// The association that carries the contexts this instance needs.
    async fn association(&mut self, place: &InstancePlace) -> Result<(usize, scu::Association), Unsent> {
        let part = self.part_of(place);
        // Before what is open is let go, which others need. One that is busy may take it a moment later, but each time
        // costs the place that there is.
        let rejected = self.rejected.get(&part).copied();
        if let Some((rejection, times)) = rejected
            && (rejection.codes().0 == PERMANENT || times >= MAX_TURNED_AWAY)
        {
            return Err(Unsent::LateKind(scu::Error::Rejected(rejection)));
        }
        match self.open.take() {
            Some((carried, association)) if carried == part => return Ok((part, association)),
            Some((_, association)) => drop(association.release().await),
            None => {}
        }
        if let Some(why) = &self.given_up {
            return Err(Unsent::GivenUp(why.clone()));
        }
        let proposals = self.parts.get(part).map(Vec::as_slice).unwrap_or_default();
        match scu::Association::connect(&self.target, proposals, &self.options).await {
            Ok(association) => {
                self.rejected.remove(&part);
                Ok((part, association))
            }
            // Many devices reject an association in which they accept nothing.
            Err(scu::Error::Rejected(rejection)) if part >= self.known_parts => {
                let times = rejected.map_or(1, |(_, times)| times + 1);
                self.rejected.insert(part, (rejection, times));
                Err(Unsent::LateKind(scu::Error::Rejected(rejection)))
            }
            Err(error) => {
                self.failures.note_outgoing(&self.target, &error);
                self.given_up = Some(error.to_string());
                Err(Unsent::Unopened(error))
            }
        }
    }

    /// Releases the association, if one is open.
    pub async fn release(&mut self) {
        if let Some((_, association)) = self.open.take()
            && let Err(error) = association.release().await
        {
            tracing::debug!(%error, "the destination did not answer the release");
        }
    }
}

/// The proposals for each class: a context for each stored syntax, so that everything can go out as stored, and
/// one for each that it can be made in. A class with more than 128 is none.
fn parts<'a>(kinds: impl IntoIterator<Item = &'a (Uid, Uid)>) -> Vec<Vec<Proposal>> {
    let mut kinds: Vec<&(Uid, Uid)> = kinds.into_iter().collect();
    kinds.sort();
    let mut parts: Vec<Vec<Proposal>> = Vec::new();
    let mut classes: Vec<&Uid> = kinds.iter().map(|(class, _)| class).collect();
    classes.dedup();
    for class in classes {
        let stored = || kinds.iter().filter(|(of, _)| of == class).map(|(_, syntax)| syntax);
        let mut syntaxes: Vec<Uid> = stored().cloned().collect();
        for target in TARGETS {
            let Ok(syntax) = Uid::parse(target) else { continue };
            if !syntaxes.contains(&syntax) && stored().any(|from| Form::of(from, target).is_some()) {
                syntaxes.push(syntax);
            }
        }
        let proposals = syntaxes.into_iter().map(|syntax| Proposal::new(class.clone(), vec![syntax]));
        let proposals: Vec<Proposal> = proposals.take(MAX_CONTEXTS).collect();
        match parts.last_mut() {
            Some(part) if part.len() + proposals.len() <= MAX_CONTEXTS => part.extend(proposals),
            _ => parts.push(proposals),
        }
    }
    parts
}
