//! Notes failed associations for the page of devices, beside the associations: one writer, which lets go what comes
//! faster than it can be written.

use std::net::IpAddr;

use pacs_core::clock::Clock;
use pacs_core::why::Why;
use storage::association_failures::{self, AssociationFailure};
use storage::database::Database;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::cause;
use crate::scu::{Error, Target};

/// Failures that wait to be written; whoever tries a thousand times a second is noted often enough.
const WAITING: usize = 64;

/// Where failures are told.
#[derive(Debug, Clone)]
pub(crate) struct Failures(Sender<AssociationFailure>);

/// An association that failed.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    /// The peer's title, as it called itself; empty when it never said.
    pub calling: &'a str,
    /// The title it called.
    pub called: &'a str,
    pub peer: IpAddr,
    pub why: Why,
}

impl Failures {
    /// The teller, and what [`write`] reads.
    pub fn new() -> (Self, Receiver<AssociationFailure>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Notes an association that a peer opened.
    pub fn note(&self, failed: Failed<'_>) {
        self.send(AssociationFailure {
            outgoing: false,
            ae_title: failed.calling.to_owned(),
            peer: failed.peer.to_canonical().to_string(),
            called_ae: failed.called.to_owned(),
            why: failed.why,
        });
    }

    /// Notes an association that was opened here.
    pub fn note_outgoing(&self, target: &Target, error: &Error) {
        self.send(AssociationFailure {
            outgoing: true,
            ae_title: target.called_ae.to_string(),
            peer: target.address.clone(),
            called_ae: target.called_ae.to_string(),
            why: cause::why(error),
        });
    }

    fn send(&self, failure: AssociationFailure) {
        if self.0.try_send(failure).is_err() {
            tracing::debug!("a failed association is not noted: too many at once");
        }
    }
}

/// Writes until all tellers have gone.
pub(crate) async fn write(mut failures: Receiver<AssociationFailure>, database: Database, clock: Clock) {
    while let Some(failure) = failures.recv().await {
        if let Err(error) = association_failures::note(&database, &failure, clock.now_ms()).await {
            tracing::warn!(%error, "a failed association could not be noted");
        }
    }
}
