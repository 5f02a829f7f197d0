//! One association from its connection to its end: negotiate, serve message after message, tell
//! the log in one line.

use std::net::SocketAddr;
use std::time::Duration;

use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use tokio::net::TcpStream;

use crate::association::accept::{NotEstablished, Terms, accept};
use crate::association::{Association, Context, End, Event};
use crate::audit::Audit;
use crate::caller::{self, Caller};
use crate::commitment::{Pending, Ready};
use crate::dimse::{CommandField, CommandSet, Status};
use crate::error::Failure;
use crate::failures::Failed;
use crate::link::{self, Port, TLS_HANDSHAKE};
use crate::listener::Shared;
use crate::pdu::PduError;
use crate::refused::Reason;
use crate::services::get::Given;
use crate::services::{commit, echo, find, get, move_, mpps, non_patient, store, ups, worklist};
use crate::sop_class::{Root, Service};
use crate::tally::Tally;
use crate::waiting::Place;

/// How long a peer may take to close its side once the server stops. One that holds on must not hold
/// up a restart.
const STOP_FAREWELL: Duration = Duration::from_secs(1);

/// An association that is being served.
pub(crate) struct Session {
    pub shared: Shared,
    pub association: Association,
    pub caller: Caller,
    pub tally: Tally,
    pub audit: Audit,
    /// Reports of storage commitment that the association still owes.
    pub commitments: Pending,
}

/// What happens next.
enum Next {
    Event(Event),
    /// A report of storage commitment is ready.
    Report(Box<Ready>),
}

/// Serves a connection to its end. Its place among those that wait is given back once it is an
/// association or is not to be one.
pub(crate) async fn serve(
    (stream, port): (TcpStream, Port),
    peer: SocketAddr,
    shared: Shared,
    waiting: Place,
) {
    let terms = Terms {
        classes: &shared.classes,
        max_pdu_bytes: shared.config.max_pdu_bytes,
        timeouts: shared.config.timeouts,
    };
    let establishing = async {
        let (stream, link) = link::open(stream, port, peer.ip(), &shared).await?;
        let judge = async |request: &_| caller::judge(request, peer, &link, &shared).await;
        Some(accept(stream, terms, judge).await)
    };
    let established = tokio::select! {
        () = shared.stopping.cancelled() => return,
        () = waiting.given_away() => {
            metrics::counter!("sen_dimse_connections_given_up_total").increment(1);
            return;
        }
        established = establishing => established,
    };
    drop(waiting);
    match established {
        None => {}
        Some(Ok((association, caller))) => {
            metrics::gauge!("sen_dimse_associations").increment(1.0);
            let audit = Audit::new(shared.audit_log.clone());
            let commitments = Pending::new(shared.clone());
            let session = Session { shared, association, caller, tally: Tally::begin(), audit, commitments };
            session.run().await;
            metrics::gauge!("sen_dimse_associations").decrement(1.0);
        }
        Some(Err(refused)) => not_established(peer, &shared, refused),
    }
}

impl Session {
    async fn run(mut self) {
        self.shared.seen.note(&self.association.calling_ae);
        let end = self.messages().await;
        self.report(&end);
        self.note_failure(&end);
        let Self { association, caller, shared, commitments, .. } = self;
        // The seat is free for the next association while this one says goodbye.
        drop(caller);
        commitments.end().await;
        let stopped = async {
            shared.stopping.cancelled().await;
            tokio::time::sleep(STOP_FAREWELL).await;
        };
        tokio::select! {
            () = association.close(&end) => {}
            () = stopped => {}
        }
    }

    /// Records what the caller did with a study.
    pub async fn did(&mut self, act: AuditAct, study: &Uid, detail: Option<&str>) {
        self.audit.did(&self.caller, act, study, detail).await;
    }

    async fn messages(&mut self) -> End {
        let stopping = self.shared.stopping.clone();
        loop {
            let next = tokio::select! {
                biased;
                () = stopping.cancelled() => return End::Stopped,
                // Before the next message: a device that sends and sends would never hear.
                ready = self.commitments.ready() => Ok(Next::Report(Box::new(ready))),
                event = self.association.reader.event() => event.map(Next::Event),
            };
            let served = match next {
                Ok(Next::Event(Event::Message(context, command))) => self.message(context, &command).await,
                Ok(Next::Event(Event::ReleaseRequested)) => Err(End::Released),
                Ok(Next::Event(Event::ReleaseConfirmed)) => {
                    Err(End::unexpected("a release that was not asked for"))
                }
                Ok(Next::Report(ready)) => commit::tell(self, *ready).await,
                Err(end) => Err(end),
            };
            if let Err(end) = served {
                return end;
            }
        }
    }

    async fn message(&mut self, context: u8, command: &CommandSet) -> Result<(), End> {
        let Some(context) = self.association.contexts.get(context).cloned() else {
            return Err(End::unexpected("a message in a context that was not accepted"));
        };
        let Some(operation) = command.operation() else {
            return commit::answered(self, command).await;
        };
        match (operation, context.service) {
            (CommandField::Echo, Some(Service::Verification)) => echo::serve(self, &context, command).await,
            (CommandField::Store, Some(Service::Storage)) => store::serve(self, &context, command).await,
            (CommandField::Find, Some(Service::Find(Root::NonPatient(kind)))) => {
                non_patient::find(self, &context, command, kind).await
            }
            (CommandField::Find, Some(Service::Find(root))) => {
                find::serve(self, &context, command, root).await
            }
            (CommandField::Find, Some(Service::Worklist)) => worklist::serve(self, &context, command).await,
            (CommandField::Move, Some(Service::Move(root))) => {
                move_::serve(self, &context, command, root).await
            }
            (CommandField::Get, Some(Service::Get(root))) => {
                get::serve(self, &context, command, root, Given::Whole).await
            }
            (CommandField::Get, Some(Service::GetWithoutBulk)) => {
                get::serve(self, &context, command, Root::Instance, Given::WithoutBulk).await
            }
            (CommandField::NCreate, Some(Service::PerformedStep)) => {
                mpps::create(self, &context, command).await
            }
            (CommandField::NSet, Some(Service::PerformedStep)) => mpps::set(self, &context, command).await,
            (CommandField::NGet, Some(Service::PerformedStepRetrieve)) => {
                mpps::get(self, &context, command).await
            }
            (CommandField::NAction, Some(Service::StorageCommitment)) => {
                commit::serve(self, &context, command).await
            }
            (CommandField::NEventReport, Some(Service::StorageCommitment)) => {
                commit::told(self, &context, command).await
            }
            (operation, Some(Service::ProcedureStep(part))) if ups::is_of(operation, part) => {
                ups::serve(self, &context, command, (operation, part)).await
            }
            // The operation it was for has ended meanwhile.
            (CommandField::Cancel, _) => Ok(()),
            (CommandField::Other(_), _) => {
                let failure = Failure::new(Status::UNRECOGNIZED_OPERATION, "not performed here");
                self.refuse(&context, command, failure).await
            }
            _ => {
                let why = "not an operation of the presentation context's SOP class";
                self.refuse(&context, command, Failure::new(Status::SOP_CLASS_NOT_SUPPORTED, why)).await
            }
        }
    }

    /// Answers a request without data set and counts it.
    pub async fn answer(
        &mut self,
        context: &Context,
        request: &CommandSet,
        status: Status,
    ) -> Result<(), End> {
        self.finish(context, request, CommandSet::response(request, status), "").await
    }

    /// Reads what is left of a request and refuses it.
    pub async fn refuse(
        &mut self,
        context: &Context,
        request: &CommandSet,
        failure: Failure,
    ) -> Result<(), End> {
        self.association.reader.skip_data().await?;
        self.finish(context, request, failure.response(request), &failure.comment).await
    }

    /// Sends a final response without data set and counts the operation.
    pub async fn finish(
        &mut self,
        context: &Context,
        request: &CommandSet,
        response: CommandSet,
        comment: &str,
    ) -> Result<(), End> {
        self.count(request, &response, comment);
        self.association.writer.message(context.id, &response, None).await
    }

    /// Sends a final response with a data set and counts the operation.
    pub async fn finish_with(
        &mut self,
        context: &Context,
        request: &CommandSet,
        response: CommandSet,
        data: &[u8],
        comment: &str,
    ) -> Result<(), End> {
        self.count(request, &response, comment);
        self.association.writer.message(context.id, &response, Some(data)).await
    }

    fn count(&mut self, request: &CommandSet, response: &CommandSet, comment: &str) {
        if let (Some(operation), Some(status)) = (request.operation(), response.status()) {
            self.tally.operation(operation, status, comment);
        }
    }

    /// What went wrong is told on the page of devices, for the one who stands before a console that says "failed".
    fn note_failure(&self, end: &End) {
        let association = &self.association;
        let why = if association.contexts.iter().next().is_none() {
            Some(Reason::NothingServed.because(""))
        } else if let Some(failure) = self.tally.last_failure() {
            Some(failure)
        } else {
            Reason::of_end(end).map(|reason| reason.because(end))
        };
        if let Some(why) = why {
            self.shared.failures.note(Failed {
                calling: association.calling_ae.as_str(),
                called: association.called_ae.as_str(),
                peer: self.caller.peer,
                why,
            });
        }
    }

    fn report(&self, end: &End) {
        let association = &self.association;
        let (received_bytes, sent_bytes) =
            (association.reader.received_bytes(), association.writer.sent_bytes());
        metrics::counter!("sen_dimse_associations_total", "end" => end.as_str()).increment(1);
        metrics::counter!("sen_dimse_received_bytes_total").increment(received_bytes);
        metrics::counter!("sen_dimse_sent_bytes_total").increment(sent_bytes);
        tracing::info!(
            calling = %association.calling_ae,
            called = %association.called_ae,
            peer = %self.caller.peer,
            user = self.caller.user,
            operations = self.tally.operations(),
            failed = self.tally.failed(),
            last_failure = self.tally.last_failure().map(|why| why.detail),
            received_bytes,
            sent_bytes,
            elapsed_ms = self.tally.elapsed_ms(),
            %end,
            "association"
        );
    }
}

/// Tells of a connection that did not become an association.
fn not_established(peer: SocketAddr, shared: &Shared, refused: NotEstablished) {
    let peer = peer.ip();
    match refused {
        NotEstablished::Rejected(refused, request) => {
            let (rejection, reason) = (refused.rejection, refused.reason);
            metrics::counter!("sen_dimse_associations_rejected_total", "reason" => rejection.as_str())
                .increment(1);
            let (calling, called) = (request.calling_ae.as_str(), request.called_ae.as_str());
            let why = reason.as_str();
            tracing::warn!(calling, called, %peer, %rejection, why, "association rejected");
            shared.failures.note(Failed { calling, called, peer, why: reason.because(rejection) });
        }
        NotEstablished::NoRequest(end) => {
            metrics::counter!("sen_dimse_connections_without_request_total", "end" => end.as_str())
                .increment(1);
            // Whoever speaks something else, such as TLS, has a fault that somebody will look for;
            // connections that say nothing are port scans and health checks.
            if let End::Protocol { .. } = end {
                tracing::warn!(%peer, %end, "no association request");
                let is_tls = end == End::from(PduError::UnknownType(TLS_HANDSHAKE));
                let reason = if is_tls { Reason::TlsAtPlainPort } else { Reason::NotDicom };
                shared.failures.note(Failed { calling: "", called: "", peer, why: reason.because(end) });
            } else {
                tracing::debug!(%peer, %end, "connection without association");
            }
        }
    }
}
