//! Another archive that is emptied while it goes on taking images in.

use crate::support::receiver::{Open, Receiver};
use crate::support::{Harness, ae, dataset_of, eventually, slices};
use dimse_scp::dimse::{CommandField, Status};
use dimse_scp::scu::Instance;
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use storage::intake::migration::{Day, Settings, Source};
use storage::intake::{self, Kind, State};

const DAY: &str = "20261123";

fn study_of(instance: &Instance) -> Uid {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let read = dataset::read_bytes(&dataset_of(instance), &syntax, &Limits::default(), Until::PixelData);
    read.unwrap().data_set.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap()
}

/// It is asked for the studies of a day, or without one, and lists these, all of that day.
async fn lists(open: &mut Open, day: &str, studies: &[&[Instance]]) {
    let (context, command, keys) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Find));
    assert_eq!(keys.text(tags::STUDY_DATE).as_deref().unwrap_or_default(), day);
    for instances in studies {
        let mut found = DataSet::new();
        found.put_text(tags::STUDY_DATE, DAY);
        found.put_uid(tags::STUDY_INSTANCE_UID, &study_of(&instances[0]));
        found.put_text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, &instances.len().to_string());
        open.respond_with(context, &command, Status::PENDING, &found).await;
    }
    open.respond(context, &command, Status::SUCCESS).await;
}

/// It is asked for a study, and sends it.
async fn sends(open: &mut Open, server: &Harness, instances: &[Instance]) {
    let (context, command, keys) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Move));
    assert_eq!(keys.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap(), study_of(&instances[0]));
    server.fill(instances).await;
    open.respond(context, &command, Status::SUCCESS).await;
}

#[tokio::test]
async fn what_comes_after_its_day_was_asked_for_is_taken_too() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let (whole, grows, late) = (slices(2, 16, 1), slices(3, 16, 2), slices(1, 16, 3));
    let day = Day::parse(DAY).unwrap();
    let settings = Settings {
        from: day,
        until: day,
        takes_older: true,
        takes_newer: true,
        bytes_per_second: 0,
        hours: None,
    };
    let (database, source) = (server.archive.database(), Source { ae_title: ae("OLD") });
    let now_ms = server.archive.config().clock.now_ms();
    let (begun, _) =
        intake::begin(database, Kind::Migration, &source, &settings, true, now_ms).await.unwrap();
    let mut open = archive.association().await;
    lists(&mut open, DAY, &[&whole, &grows[..2]]).await;
    sends(&mut open, &server, &whole).await;
    sends(&mut open, &server, &grows[..2]).await;
    // Meanwhile a modality has sent one more image, and another study of that day.
    lists(&mut open, "", &[&late, &whole, &grows]).await;
    sends(&mut open, &server, &late).await;
    sends(&mut open, &server, &grows).await;
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    eventually(async || intake::by_id(database, begun.id).await.unwrap().state == State::Done).await;
    let compared = intake::compare(database, begun.id).await.unwrap();
    assert_eq!((compared.studies, compared.expected, compared.arrived), (3, 6, 6), "{compared:?}");
    server.stop().await;
}
