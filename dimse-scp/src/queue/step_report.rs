//! Telling a device what has happened to unified procedure steps that it follows (PS3.4 CC.2.4, as provider).

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use storage::jobs::Job;
use storage::transfers::Trouble;
use storage::ups::Delivery;

use super::peer::{self, Peer};
use super::work::{Ended, answered};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::listener::Shared;
use crate::scu::{Association, Error, Proposal};

/// How often a device is told of what it fails at again and again: what is behind it waits meanwhile.
const MOST_TRIES: i64 = 4;

/// Tells a device of a report.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job) -> storage::Result<Ended> {
    let delivery = Delivery::of(job)?;
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    if !delivery.is_wanted(&peer.device, shared.archive.config().clock.now_ms()) {
        return Ok(Ended::Done);
    }
    let told = tell(&peer, &delivery).await;
    let fails =
        told.is_ok() && job.error.as_deref().is_some_and(|last| last.starts_with(Trouble::Peer.as_str()));
    Ok(match answered(told) {
        Ended::Later(why) if fails && job.attempts >= MOST_TRIES => Ended::Never(why),
        ended => ended,
    })
}

/// The context is of UPS Event, and the message about an instance of UPS Push (PS3.4 CC.3.1.1).
async fn tell(peer: &Peer, delivery: &Delivery) -> Result<Status, Error> {
    let class = |uid| Uid::parse(uid).map_err(|_| Error::NoContext);
    let negotiated = class(uids::UNIFIED_PROCEDURE_STEP_EVENT)?;
    let about = class(uids::UNIFIED_PROCEDURE_STEP_PUSH)?;
    let proposal = Proposal { as_provider: true, ..Proposal::for_messages(negotiated.clone())? };
    let mut association = Association::connect(&peer.target, &[proposal], &peer.options).await?;
    let letters = peer.letters();
    let set = delivery.set.encode_text_in(letters);
    let complete = |command: CommandSet| {
        command
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &about)
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &delivery.uid)
            .with_number(element::EVENT_TYPE_ID, delivery.event)
    };
    let told = association.normalized(CommandField::NEventReport, &negotiated, complete, Some(&set)).await;
    let (response, _) = told?;
    association.release().await.ok();
    Ok(response.status().unwrap_or(Status::PROCESSING_FAILURE))
}
