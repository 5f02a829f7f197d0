//! Asking a device whether it keeps what was sent to it (PS3.4 J, as user).

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{tags, uids};
use storage::jobs::Job;
use storage::transfers::{self, commitments};
use storage::{Error, InstancePlace};
use tokio::time::Instant;

use super::peer::{self, Peer};
use super::work::{Ended, answered};
use crate::commitment::{Told, instance};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::listener::Shared;
use crate::scu::{self, Association, Proposal};

/// How long a report is waited for on the association that asked: many archives answer there at once.
const LINGER: Duration = Duration::from_secs(5);
/// Instances in one request: some archives take no more than a few thousand.
const MOST_ASKED: usize = 1_000;
/// Reports of earlier requests that are heard beside it.
const MOST_REPORTS: usize = 64;

/// Asks, and waits a moment for the report; one that comes later comes to our listener.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job, worker: &str) -> storage::Result<Ended> {
    let database = shared.archive.database();
    let mut subject = match commitments::subject(database, job).await {
        Err(Error::NotFound) => return Ok(Ended::Done),
        subject => subject?,
    };
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let now_ms = || shared.archive.config().clock.now_ms();
    let sent = transfers::places_sent(database, &subject.task, subject.after_id, subject.through_id);
    let mut sent: Vec<InstancePlace> = sent.take(MOST_ASKED + 1).try_collect().await?;
    if sent.len() > MOST_ASKED {
        // The others follow once the device has reported on these.
        sent.truncate(MOST_ASKED);
        subject.through_id = sent.last().map_or(subject.through_id, |place| place.id.0);
    } else if sent.is_empty() {
        // What was sent is no longer here. Nothing more is asked about it.
        match subject.after_id {
            0 => commitments::unheard(database, subject.transfer, now_ms()).await?,
            _ => commitments::conclude(database, subject.transfer, now_ms()).await?,
        }
        return Ok(Ended::Done);
    }
    let association = match connect(&peer).await {
        Ok(association) => association,
        Err(error) => return Ok(answered(Err(error))),
    };
    // Before it is asked: the report may be quicker than the answer.
    let transaction = commitments::ask(database, &subject, now_ms()).await?;
    let told = match ask(association, &transaction, &sent).await {
        Ok((status, _)) if status.is_failure() => return Ok(answered(Ok(status))),
        Ok((_, told)) => told,
        Err(error) => return Ok(answered(Err(error))),
    };
    for Told { transaction, failed } in &told {
        commitments::reported(database, lane, transaction, failed, now_ms()).await?;
    }
    commitments::wait(database, subject.transfer, job, worker, now_ms()).await?;
    // What became of the job has been noted.
    Ok(Ended::Lost)
}

fn class() -> Result<Uid, scu::Error> {
    Uid::parse(uids::STORAGE_COMMITMENT_PUSH_MODEL).map_err(|_| scu::Error::NoContext)
}

async fn connect(peer: &Peer) -> Result<Association, scu::Error> {
    let proposal = Proposal::for_messages(class()?)?;
    Association::connect(&peer.target, &[proposal], &peer.options).await
}

async fn ask(
    mut association: Association,
    transaction: &Uid,
    sent: &[InstancePlace],
) -> Result<(Status, Vec<Told>), scu::Error> {
    let class = class()?;
    let well_known = instance().ok_or(scu::Error::NoContext)?;
    let item = |place: &InstancePlace| {
        let mut item = DataSet::new();
        item.put_uid(tags::REFERENCED_SOP_CLASS_UID, &place.class);
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &place.uid);
        item
    };
    let mut request = DataSet::new();
    request.put_uid(tags::TRANSACTION_UID, transaction);
    request.put_items(tags::REFERENCED_SOP_SEQUENCE, sent.iter().map(item).collect());
    let complete = |command: CommandSet| {
        command
            .with_uid(element::REQUESTED_SOP_CLASS_UID, &class)
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &well_known)
            .with_number(element::ACTION_TYPE_ID, 1)
    };
    let (response, _) =
        association.normalized(CommandField::NAction, &class, complete, Some(&request)).await?;
    let status = response.status().unwrap_or(Status::PROCESSING_FAILURE);
    let told = if status.is_failure() { Vec::new() } else { heard(&mut association, transaction).await? };
    association.release().await.ok();
    Ok((status, told))
}

/// The reports that come soon, up to the one that is waited for. Those of earlier requests may come before it.
async fn heard(association: &mut Association, transaction: &Uid) -> Result<Vec<Told>, scu::Error> {
    let until = Instant::now() + LINGER;
    let mut heard: Vec<Told> = Vec::new();
    while heard.len() < MOST_REPORTS && heard.last().is_none_or(|told| told.transaction != *transaction) {
        match association.event(until.saturating_duration_since(Instant::now())).await {
            Ok(Some(report)) => heard.extend(Told::read(&report)),
            Ok(None) => break,
            // What was heard before is heard.
            Err(error) if heard.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(heard)
}
