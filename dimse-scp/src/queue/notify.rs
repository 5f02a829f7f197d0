//! Telling a device which images are available (PS3.4 R, as user).

use futures::TryStreamExt;
use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{tags, uids};
use storage::availability::{self, Notification};
use storage::jobs::Job;
use storage::{InstancePlace, transfers};

use super::peer::{self, Peer};
use super::work::{Ended, answered};
use crate::dimse::{CommandField, CommandSet, Status, command::element};
use crate::listener::Shared;
use crate::scu::{Association, Error, Proposal};

/// Tells of the instances of a job, of one series.
pub async fn work(shared: &Shared, lane: &AeTitle, job: &Job) -> storage::Result<Ended> {
    let (database, Notification { uid, task }) = (shared.archive.database(), Notification::of(job)?);
    let peer = match peer::find(shared, lane).await? {
        Ok(peer) => peer,
        Err(why) => return Ok(Ended::Never(why)),
    };
    let places: Vec<InstancePlace> = transfers::places(database, &task, 0).try_collect().await?;
    let Some(first) = places.first() else { return Ok(Ended::Done) };
    let steps = availability::performed_steps(database, &first.series_uid).await?;
    let set = notification(first, &places, &steps, &peer.target.calling_ae);
    Ok(match tell(&peer, &uid, &set).await {
        // It has been told before, by a try whose end was not noted.
        Ok(Status::DUPLICATE_INSTANCE) => Ended::Done,
        told => answered(told),
    })
}

async fn tell(peer: &Peer, uid: &Uid, set: &DataSet) -> Result<Status, Error> {
    let class = Uid::parse(uids::INSTANCE_AVAILABILITY_NOTIFICATION).map_err(|_| Error::NoContext)?;
    let proposal = Proposal::for_messages(class.clone())?;
    let mut association = Association::connect(&peer.target, &[proposal], &peer.options).await?;
    let complete = |command: CommandSet| {
        command
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &class)
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, uid)
    };
    let (response, _) = association.normalized(CommandField::NCreate, &class, complete, Some(set)).await?;
    association.release().await.ok();
    Ok(response.status().unwrap_or(Status::PROCESSING_FAILURE))
}

/// PS3.4 table R.3.2-1.
fn notification(
    first: &InstancePlace,
    places: &[InstancePlace],
    steps: &[Uid],
    retrieve_from: &AeTitle,
) -> DataSet {
    let mut set = DataSet::new();
    let step = |uid: &Uid| {
        let mut item = DataSet::new();
        item.put_text(tags::REFERENCED_SOP_CLASS_UID, uids::MODALITY_PERFORMED_PROCEDURE_STEP);
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, uid);
        item.put_items(tags::PERFORMED_WORKITEM_CODE_SEQUENCE, Vec::new());
        item
    };
    let instance = |place: &InstancePlace| {
        let mut item = DataSet::new();
        item.put_uid(tags::REFERENCED_SOP_CLASS_UID, &place.class);
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &place.uid);
        item.put_text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        item.put_text(tags::RETRIEVE_AE_TITLE, retrieve_from.as_str());
        item
    };
    set.put_items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, steps.iter().map(step).collect());
    let mut series = DataSet::new();
    set.put_uid(tags::STUDY_INSTANCE_UID, &first.study_uid);
    series.put_uid(tags::SERIES_INSTANCE_UID, &first.series_uid);
    series.put_items(tags::REFERENCED_SOP_SEQUENCE, places.iter().map(instance).collect());
    set.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    set
}
