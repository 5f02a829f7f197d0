//! What modalities report of their work, told on (PS3.4 F.7, as user).

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{tags, uids};
use storage::forwarding::{Operation, Report};
use storage::jobs::Job;

use super::peer::{self, Peer};
use super::work::{Ended, answered, failed};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::listener::Shared;
use crate::scu::{Association, Error, Proposal};

/// Tells a device of a report.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job) -> storage::Result<Ended> {
    let report = Report::of(job)?;
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    Ok(match tell(&peer, &report).await {
        // It has been told before, by a try whose end was not noted.
        Ok(Status::DUPLICATE_INSTANCE) => Ended::Done,
        // So it has here: a step that has ended may no longer be updated (PS3.4 F.7.2.2.2). Who has not been told
        // before means what it says, and saying it again would only hold up the reports behind this one.
        Ok(status @ Status::PROCESSING_FAILURE) if report.operation == Operation::Set => {
            match job.attempts > 1 && ends_step(&report) {
                true => Ended::Done,
                false => Ended::Never(failed(status)),
            }
        }
        told => answered(told),
    })
}

/// Whether the step has ended with a report.
fn ends_step(report: &Report) -> bool {
    let status = report.set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS);
    status.is_some_and(|status| matches!(status.trim(), "COMPLETED" | "DISCONTINUED"))
}

async fn tell(peer: &Peer, report: &Report) -> Result<Status, Error> {
    let class = Uid::parse(uids::MODALITY_PERFORMED_PROCEDURE_STEP).map_err(|_| Error::NoContext)?;
    let proposal = Proposal::for_messages(class.clone())?;
    let mut association = Association::connect(&peer.target, &[proposal], &peer.options).await?;
    let letters = peer.letters();
    let set = report.set.encode_text_in(letters);
    let (field, of_class, of_instance) = match report.operation {
        Operation::Create => {
            (CommandField::NCreate, element::AFFECTED_SOP_CLASS_UID, element::AFFECTED_SOP_INSTANCE_UID)
        }
        Operation::Set => {
            (CommandField::NSet, element::REQUESTED_SOP_CLASS_UID, element::REQUESTED_SOP_INSTANCE_UID)
        }
    };
    let complete =
        |command: CommandSet| command.with_uid(of_class, &class).with_uid(of_instance, &report.uid);
    let (response, _) = association.normalized(field, &class, complete, Some(&set)).await?;
    association.release().await.ok();
    Ok(response.status().unwrap_or(Status::PROCESSING_FAILURE))
}
