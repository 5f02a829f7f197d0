//! Another archive that is emptied while it goes on taking images in.

use crate::support::pulled::study_of;
use crate::support::receiver::{Open, Receiver};
use crate::support::{Harness, ae, eventually, slices};
use dimse_scp::dimse::{CommandField, CommandSet, Status};
use dimse_scp::pdu::Rejection;
use dimse_scp::scu::Instance;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use storage::intake::migration::{Day, Settings, Source};
use storage::intake::{self, Counts, IntakeId, Kind, State};

const DAY: &str = "20261123";

/// A study that is listed: what is sent of it, and how many instances it is said to have.
struct Held<'a>(&'a [Instance], Option<usize>);

impl<'a> Held<'a> {
    fn whole(instances: &'a [Instance]) -> Self {
        Self(instances, Some(instances.len()))
    }
}

/// It is asked for the studies of a day, or without one.
async fn asked_of(open: &mut Open, day: &str) -> (u8, CommandSet) {
    let (context, command, keys) = open.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::Find));
    assert_eq!(keys.text(tags::STUDY_DATE).as_deref().unwrap_or_default(), day);
    (context, command)
}

/// It is asked for the studies of a day, or without one, and lists these, all of that day.
async fn lists(open: &mut Open, day: &str, studies: &[Held<'_>]) {
    let (context, command) = asked_of(open, day).await;
    for Held(instances, count) in studies {
        let mut found = DataSet::new();
        found.put_text(tags::STUDY_DATE, DAY);
        found.put_uid(tags::STUDY_INSTANCE_UID, &study_of(&instances[0]));
        let count = count.map(|count| count.to_string()).unwrap_or_default();
        found.put_text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, &count);
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

/// Begins one of that day and all that the other archive has got since, by the server or not yet.
async fn begin(server: &Harness, by_server: bool) -> IntakeId {
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
    intake::begin(database, Kind::Migration, &source, &settings, by_server, now_ms).await.unwrap().0.id
}

/// It says goodbye, and the migration ends; its counts.
async fn ends(mut open: Open, server: &Harness, id: IntakeId) -> Counts {
    assert!(open.message().await.is_none(), "it says goodbye");
    open.let_go().await;
    let database = server.archive.database();
    eventually(async || intake::by_id(database, id).await.unwrap().state == State::Done).await;
    intake::by_id(database, id).await.unwrap().counts
}

/// How many were taken, were here, and are missing.
fn told(counts: &Counts) -> (u64, u64, u64) {
    (counts.taken, counts.present, counts.failed)
}

#[tokio::test]
async fn what_comes_after_its_day_was_asked_for_is_taken_too() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let (whole, grows, late) = (slices(2, 16, 1), slices(3, 16, 2), slices(1, 16, 3));
    let (lost, slow) = (slices(3, 16, 4), slices(3, 16, 5));
    let uncounted = slices(1, 16, 6);
    let id = begin(&server, true).await;
    let mut open = archive.association().await;
    let held = [
        Held::whole(&whole),
        Held::whole(&grows[..2]),
        Held::whole(&lost),
        Held::whole(&slow[..2]),
        Held(&uncounted, None),
    ];
    lists(&mut open, DAY, &held).await;
    for sent in [&whole[..], &grows[..2], &lost[..2], &slow[..1], &uncounted] {
        sends(&mut open, &server, sent).await;
    }
    // Meanwhile a modality has sent one more image of two of them, and another study of that day. What did not come
    // and has not grown is not asked for once more, nor is what is not counted.
    let held = [
        Held::whole(&late),
        Held::whole(&whole),
        Held::whole(&grows),
        Held::whole(&lost),
        Held::whole(&slow),
        Held(&uncounted, None),
    ];
    lists(&mut open, "", &held).await;
    for sent in [&late, &grows, &slow] {
        sends(&mut open, &server, sent).await;
    }
    let counts = ends(open, &server, id).await;
    assert_eq!(told(&counts), (12, 0, 1), "each counts once: {counts:?}");
    let compared = intake::compare(server.archive.database(), id).await.unwrap();
    assert_eq!((compared.studies, compared.expected, compared.arrived), (6, 12, 11), "{compared:?}");
    assert_eq!((compared.uncounted, compared.incomplete), (1, 1), "{compared:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_day_that_was_not_listed_is_made_up_for_in_the_end() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let instances = slices(2, 16, 7);
    let id = begin(&server, true).await;
    let mut open = archive.association().await;
    let (context, command) = asked_of(&mut open, DAY).await;
    open.respond(context, &command, Status::OUT_OF_RESOURCES).await;
    open.aborted().await;
    let failures = async || intake::failures(server.archive.database(), id, "", 10).await.unwrap();
    // What it lists without a day has those of that day.
    let mut open = archive.association().await;
    assert_eq!(failures().await.len(), 1);
    lists(&mut open, "", &[Held::whole(&instances)]).await;
    sends(&mut open, &server, &instances).await;
    let counts = ends(open, &server, id).await;
    assert_eq!((told(&counts), failures().await), ((2, 0, 0), Vec::new()));
    server.stop().await;
}

#[tokio::test]
async fn what_a_broken_off_try_has_brought_was_not_here_before() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let instances = slices(3, 16, 9);
    let id = begin(&server, true).await;
    let mut open = archive.association().await;
    lists(&mut open, DAY, &[Held::whole(&instances)]).await;
    open.message().await.unwrap();
    server.fill(&instances[..2]).await;
    // It is started anew.
    drop(open);
    archive.reject(Rejection::Congestion).await;
    let database = server.archive.database();
    eventually(async || intake::by_id(database, id).await.unwrap().counts.taken > 0).await;
    let counts = intake::by_id(database, id).await.unwrap().counts;
    assert_eq!(told(&counts), (2, 0, 0), "{counts:?}");
    assert!(counts.bytes > 0, "they are not too many a second");
    server.stop().await;
}

#[tokio::test]
async fn one_that_was_behind_all_days_goes_on_with_the_list_without_one() {
    let server = Harness::start().await;
    let archive = Receiver::of(&server, "OLD").await;
    let instances = slices(1, 16, 8);
    let database = server.archive.database();
    let id = begin(&server, false).await;
    intake::advance(database, id, Some("undated"), &Counts::default(), &[], 0).await.unwrap();
    assert_eq!(begin(&server, true).await, id);
    let mut open = archive.association().await;
    lists(&mut open, "", &[Held::whole(&instances)]).await;
    sends(&mut open, &server, &instances).await;
    assert_eq!(told(&ends(open, &server, id).await), (1, 0, 0));
    server.stop().await;
}
