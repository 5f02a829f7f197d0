//! C-STORE (PS3.7 9.3.1, PS3.4 B, GG): success means kept, through a crash and a loss of power.

use pacs_core::access::{Act, may};
use pacs_core::audit::AuditAct;
use pacs_core::non_patient::Kind;
use pacs_core::uid::Uid;
use storage::{Door, Envelope};
use tokio::time::Instant;

use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::session::Session;
use crate::sop_class::Service;

/// Takes an instance in. Its data set goes to storage piece by piece as it arrives; when storage
/// refuses, the rest is read and forgotten, since a response may not come before it.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let began = Instant::now();
    let envelope = match envelope(session, context, request) {
        Ok(envelope) => envelope,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    match receive(session, envelope).await? {
        Ok(()) => {
            metrics::histogram!("sen_dimse_store_seconds").record(began.elapsed().as_secs_f64());
            session.answer(context, request, Status::SUCCESS).await
        }
        Err(error) => session.refuse(context, request, Failure::of_store(&error)).await,
    }
}

/// What the command says of the instance.
fn envelope(session: &Session, context: &Context, request: &CommandSet) -> Result<Envelope, Failure> {
    if !may(&session.caller.actor, Act::StoreImages) {
        return Err(Failure::new(Status::NOT_AUTHORIZED, "this application may not store"));
    }
    if !request.has_data_set() {
        return Err(Failure::new(Status::CANNOT_UNDERSTAND, "the request has no data set"));
    }
    let class = named(request, element::AFFECTED_SOP_CLASS_UID, "Affected SOP Class UID")?;
    // It should be the context's own class. Some modalities send another under it, which is kept
    // all the same, but only what could have been proposed may come this way.
    if class != context.abstract_syntax && session.shared.classes.service(&class) != Some(Service::Storage) {
        return Err(Failure::new(Status::SOP_CLASS_NOT_SUPPORTED, "the SOP class is not stored here"));
    }
    Ok(Envelope {
        transfer_syntax: context.transfer_syntax.clone(),
        head: None,
        declared_class: Some(class),
        declared_instance: Some(named(
            request,
            element::AFFECTED_SOP_INSTANCE_UID,
            "Affected SOP Instance UID",
        )?),
        declared_study: None,
        calling_ae: Some(session.association.calling_ae.clone()),
        called_ae: Some(session.association.called_ae.clone()),
        peer: Some(session.caller.peer),
        facility: session.caller.facility.clone(),
        received_by: Door::Dimse,
        expected_bytes: None,
    })
}

fn named(request: &CommandSet, element: u16, name: &str) -> Result<Uid, Failure> {
    let text = request.text(element).unwrap_or_default();
    Uid::parse(&text).map_err(|why| Failure::new(Status::DATA_SET_MISMATCH, format!("{name}: {why}")))
}

/// Streams the data set into storage. The outer error ends the association: what was taken so far
/// is dropped, and leaves no trace.
async fn receive(session: &mut Session, envelope: Envelope) -> Result<Result<(), storage::Error>, End> {
    let is_apart = envelope.declared_class.as_ref().is_some_and(|class| Kind::of_class(class).is_some());
    let mut incoming = match session.shared.archive.begin(envelope).await {
        Ok(incoming) => incoming,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(piece) = session.association.reader.data().await? {
        if let Err(error) = incoming.write(piece).await {
            return Ok(Err(error));
        }
    }
    if is_apart {
        return Ok(session.shared.archive.keep_non_patient(incoming).await.map(drop));
    }
    let stored = match incoming.finish().await {
        Ok(stored) => stored,
        Err(error) => return Ok(Err(error)),
    };
    session.shared.arrivals.note(&stored.series);
    session.did(AuditAct::Store, &stored.study, None).await;
    Ok(Ok(()))
}
