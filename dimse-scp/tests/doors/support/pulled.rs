//! An archive that is pulled from: what it is asked, and what it lists.

use dimse_scp::dimse::{CommandField, CommandSet, Status};
use dimse_scp::scu::Instance;
use pacs_core::access::Actor;
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, transfer_syntax, uids};
use storage::jobs::JobId;
use storage::transfers::{self, Selection, Task};

use super::receiver::Open;
use super::{Harness, ae, dataset_of};

/// What an instance says up to its pixels.
pub fn header(instance: &Instance) -> DataSet {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let bytes = dataset_of(instance);
    dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set
}

/// Its study.
pub fn study_of(instance: &Instance) -> Uid {
    header(instance).uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap()
}

/// A query of an archive that is pulled from: what is asked, and over which association.
pub async fn queried(open: &mut Open, level: &str) -> (u8, CommandSet) {
    let (context, command, set) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Find));
    assert_eq!(set.text(tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some(level));
    (context, command)
}

/// An answer of these values.
pub fn listed(values: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
    set
}

/// Asks for a study of an archive.
pub async fn pull_from(server: &Harness, title: &str) -> JobId {
    let task = Task { device: ae(title), study: Uid::parse("1.2.3").unwrap(), selection: Selection::Study };
    let (database, now_ms) = (server.archive.database(), server.archive.config().clock.now_ms());
    transfers::pull(database, &Actor::system(), &task, "SEN", now_ms).await.unwrap()
}

/// Answers both listings with this one series of these instances.
pub async fn list(open: &mut Open, series: &str, instances: &[&str]) {
    let (context, command) = queried(open, "SERIES").await;
    let series = listed(&[(tags::SERIES_INSTANCE_UID, series)]);
    open.respond_with(context, &command, Status::PENDING, &series).await;
    open.respond(context, &command, Status::SUCCESS).await;
    let (context, command) = queried(open, "IMAGE").await;
    for instance in instances {
        let class = (tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
        let found = listed(&[(tags::SOP_INSTANCE_UID, instance), class]);
        open.respond_with(context, &command, Status::PENDING, &found).await;
    }
    open.respond(context, &command, Status::SUCCESS).await;
}
