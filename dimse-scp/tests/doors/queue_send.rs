//! The send queue through real listeners: what is queued arrives once, whatever the receivers do.

use std::collections::BTreeSet;
use std::io::Write;

use crate::support::receiver::Receiver;
use crate::support::{Harness, ae, dataset_of, eventually, report_on, slices};
use dimse_scp::dimse::Status;
use dimse_scp::pdu::Rejection;
use dimse_scp::scu::Instance;
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{self, Limits, Until};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use storage::Error;
use storage::devices::{self, Device};
use storage::jobs::lanes::Priority;
use storage::jobs::{JobId, JobState};
use storage::transfers::{self, Line, Selection, Task};

const ALL: Scope = Scope::All;

fn study_of(instance: &Instance) -> Uid {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let bytes = dataset_of(instance);
    let header = dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set;
    header.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap()
}

fn task(device: &str, instances: &[Instance]) -> Task {
    Task { device: ae(device), study: study_of(&instances[0]), selection: Selection::Study }
}

async fn queue(server: &Harness, task: &Task) -> JobId {
    let now_ms = server.archive.config().clock.now_ms();
    let database = server.archive.database();
    transfers::send(database, &ALL, &Actor::system(), task, Priority::Normal, now_ms).await.unwrap()
}

async fn line(server: &Harness, id: JobId) -> Line {
    transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap()
}

async fn reaches(server: &Harness, id: JobId, state: JobState) -> Line {
    eventually(async || line(server, id).await.state == state).await;
    line(server, id).await
}

/// A receiver that is an archive of its own, as a device of the server.
async fn archive_of(server: &Harness, title: &str) -> Harness {
    let receiver = Harness::start_with(|config| config.ae_titles = vec![(ae(title), None)], |_| {}).await;
    let mut device = Device::named(ae(title));
    device.host = Some("127.0.0.1".into());
    device.port = Some(receiver.address.port());
    devices::upsert(server.archive.database(), &device).await.unwrap();
    receiver
}

#[tokio::test]
async fn a_study_goes_to_several_devices_at_once() {
    let server = Harness::start().await;
    let (one, two) = (archive_of(&server, "ONE").await, archive_of(&server, "TWO").await);
    let instances = slices(12, 32, 1);
    server.fill(&instances).await;
    let jobs =
        [queue(&server, &task("ONE", &instances)).await, queue(&server, &task("TWO", &instances)).await];
    for (job, receiver) in jobs.into_iter().zip([&one, &two]) {
        let done = reaches(&server, job, JobState::Done).await;
        assert_eq!((done.total, done.moved, done.failed, done.error), (Some(12), 12, 0, None));
        for instance in &instances {
            assert!(receiver.dataset(&instance.instance).await == dataset_of(instance), "changed on the way");
        }
    }
    for harness in [one, two, server] {
        harness.stop().await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_not_sent_again() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "FRAIL").await;
    let instances = slices(8, 16, 2);
    server.fill(&instances).await;
    let job = queue(&server, &task("FRAIL", &instances)).await;
    // It breaks off three times, each time in the middle of an instance.
    let mut taken = Vec::new();
    for _ in 0..3 {
        let mut open = receiver.association().await;
        let first = open.instance().await.unwrap();
        taken.push(open.answer(first, Status::SUCCESS).await);
        open.instance().await.unwrap();
        drop(open);
    }
    // The others go on, and what broke is tried again by itself.
    taken.extend(receiver.association().await.take_all().await);
    assert_eq!(taken.len(), 5);
    taken.extend(receiver.association().await.take_all().await);
    let done = reaches(&server, job, JobState::Done).await;
    assert_eq!((done.total, done.moved, done.failed), (Some(8), 8, 0));
    let different: BTreeSet<&Uid> = taken.iter().collect();
    assert_eq!((different.len(), taken.len()), (8, 8), "something was sent twice");
    server.stop().await;
}

#[tokio::test]
async fn a_study_that_a_receiver_breaks_off_at_holds_up_no_other() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "FRAIL").await;
    let (frail, sound) = (slices(5, 16, 9), slices(2, 16, 10));
    server.fill(&frail).await;
    server.fill(&sound).await;
    let uids = |instances: &[Instance]| -> BTreeSet<Uid> {
        instances.iter().map(|instance| instance.instance.clone()).collect()
    };
    let first = queue(&server, &task("FRAIL", &frail)).await;
    let mut open = receiver.association().await;
    let second = queue(&server, &task("FRAIL", &sound)).await;
    // It breaks off at the first three instances, whatever association they come over.
    for _ in 0..2 {
        open.instance().await.unwrap();
        drop(open);
        open = receiver.association().await;
    }
    open.instance().await.unwrap();
    drop(open);
    // The device is there: what else waits for it goes, before the first is tried again.
    let taken: BTreeSet<Uid> = receiver.association().await.take_all().await.into_iter().collect();
    assert_eq!(taken, uids(&sound));
    assert_eq!(reaches(&server, second, JobState::Done).await.moved, 2);
    let waiting = line(&server, first).await;
    assert!(
        waiting.error.as_deref().unwrap().starts_with(r#"broken {"cause":"givenUp"}: given up after 3"#),
        "{waiting:?}"
    );
    // Then what has not been tried comes before what has failed.
    let taken = receiver.association().await.take_all().await;
    assert_eq!((taken[0].clone(), taken[1].clone()), (frail[3].instance.clone(), frail[4].instance.clone()));
    assert_eq!(taken[2..].iter().cloned().collect::<BTreeSet<_>>(), uids(&frail[..3]));
    let done = reaches(&server, first, JobState::Done).await;
    assert_eq!((done.total, done.moved, done.failed), (Some(5), 5, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_fault_of_the_archive_in_the_middle_of_an_instance_is_tried_again() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "BIG").await;
    let instances = slices(1, 1300, 11);
    server.fill(&instances).await;
    // Its end cannot be read for a while.
    let segment = server.segment();
    let whole = std::fs::read(&segment).unwrap();
    std::fs::File::options().write(true).open(&segment).unwrap().set_len(2 << 20).unwrap();
    let job = queue(&server, &task("BIG", &instances)).await;
    receiver.association().await.cut_off().await;
    eventually(async || line(&server, job).await.error.is_some()).await;
    let waiting = line(&server, job).await;
    assert_eq!((waiting.state, waiting.failed), (JobState::Waiting, 1), "{waiting:?}");
    std::fs::File::options().write(true).open(&segment).unwrap().write_all(&whole).unwrap();
    assert_eq!(receiver.association().await.take_all().await.len(), 1);
    assert_eq!(reaches(&server, job, JobState::Done).await.moved, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_is_away_holds_up_nobody_and_has_its_images_later() {
    let server = Harness::start().await;
    let here = archive_of(&server, "HERE").await;
    let away = archive_of(&server, "AWAY").await;
    let address = away.address;
    away.stop().await;
    let silent = Receiver::of(&server, "SILENT").await;
    let instances = slices(3, 16, 3);
    server.fill(&instances).await;
    let waits = queue(&server, &task("AWAY", &instances)).await;
    let stalls = queue(&server, &task("SILENT", &instances)).await;
    let goes = queue(&server, &task("HERE", &instances)).await;
    reaches(&server, goes, JobState::Done).await;
    eventually(async || line(&server, waits).await.error.is_some()).await;
    let waiting = line(&server, waits).await;
    let why = r#"unreachable {"cause":"connectionRefused"}: "#;
    assert!(waiting.error.as_deref().unwrap().starts_with(why), "{waiting:?}");
    assert_eq!(waiting.moved, 0);
    // What is queued for it meanwhile waits as well, without a try of its own.
    let series = Task {
        selection: Selection::Instances(vec![instances[0].instance.clone()]),
        ..task("AWAY", &instances)
    };
    let second = queue(&server, &series).await;
    // It is back: a person says so.
    let back = Harness::start_with(
        |config| {
            config.ae_titles = vec![(ae("AWAY"), None)];
            config.listen = address;
        },
        |_| {},
    )
    .await;
    let now_ms = server.archive.config().clock.now_ms();
    transfers::again(server.archive.database(), &ALL, waits, now_ms).await.unwrap();
    assert_eq!(reaches(&server, waits, JobState::Done).await.moved, 3);
    reaches(&server, second, JobState::Done).await;
    assert_eq!(line(&server, stalls).await.state, JobState::Running, "it waits for its receiver");
    drop(silent);
    for harness in [here, back, server] {
        harness.stop().await;
    }
}

#[tokio::test]
async fn what_a_receiver_does_not_want_is_told_and_may_be_tried_again() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "PICKY").await;
    let instances = slices(4, 16, 4);
    server.fill(&instances).await;
    let job = queue(&server, &task("PICKY", &instances)).await;
    let mut open = receiver.association().await;
    for status in [Status::SUCCESS, Status::DATA_SET_MISMATCH, Status(0xb007), Status::CANNOT_UNDERSTAND] {
        let instance = open.instance().await.unwrap();
        open.answer(instance, status).await;
    }
    assert!(open.take_all().await.is_empty());
    let failed = reaches(&server, job, JobState::Failed).await;
    assert_eq!((failed.total, failed.moved, failed.failed), (Some(4), 2, 2));
    let database = server.archive.database();
    let failures = transfers::failures(database, &ALL, job, 10).await.unwrap();
    let reasons: BTreeSet<&str> = failures.iter().map(|failure| failure.reason.as_str()).collect();
    let want = [
        r#"refused {"cause":"mismatch","status":"0xA900"}: the receiver answered 0xA900"#,
        r#"refused {"cause":"notUnderstood","status":"0xC000"}: the receiver answered 0xC000"#,
    ];
    assert_eq!(reasons, BTreeSet::from(want));
    // It has been told to take them.
    transfers::again(database, &ALL, job, server.archive.config().clock.now_ms()).await.unwrap();
    assert_eq!(receiver.association().await.take_all().await.len(), 2);
    let done = reaches(&server, job, JobState::Done).await;
    assert_eq!((done.total, done.moved, done.failed, done.error), (Some(4), 4, 0, None));
    assert!(transfers::failures(database, &ALL, job, 10).await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_full_is_asked_again_by_itself() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "FULL").await;
    let instances = slices(2, 16, 5);
    server.fill(&instances).await;
    let job = queue(&server, &task("FULL", &instances)).await;
    let mut open = receiver.association().await;
    let first = open.instance().await.unwrap();
    let full = open.answer(first, Status::OUT_OF_RESOURCES).await;
    assert_eq!(open.take_all().await.len(), 1);
    assert_eq!(receiver.association().await.take_all().await, [full]);
    assert_eq!(reaches(&server, job, JobState::Done).await.moved, 2);
    server.stop().await;
}

#[tokio::test]
async fn a_person_stops_a_send_and_takes_it_up_again() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "SLOW").await;
    let instances = slices(5, 16, 6);
    server.fill(&instances).await;
    let job = queue(&server, &task("SLOW", &instances)).await;
    let (actor, same) = (Actor::system(), task("SLOW", &instances));
    let (database, now_ms) = (server.archive.database(), server.archive.config().clock.now_ms());
    let again = transfers::send(database, &ALL, &actor, &same, Priority::High, now_ms).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "it is on its way already");
    let mut open = receiver.association().await;
    let first = open.instance().await.unwrap();
    let mut taken = vec![open.answer(first, Status::SUCCESS).await];
    open.instance().await.unwrap();
    transfers::cancel(database, &ALL, job, now_ms).await.unwrap();
    open.gone().await;
    let stopped = line(&server, job).await;
    assert_eq!((stopped.state, stopped.moved, stopped.total), (JobState::Cancelled, 1, Some(5)));
    transfers::again(database, &ALL, job, now_ms).await.unwrap();
    taken.extend(receiver.association().await.take_all().await);
    assert_eq!(reaches(&server, job, JobState::Done).await.moved, 5);
    assert_eq!(BTreeSet::from_iter(&taken).len(), taken.len(), "something was sent twice");
    let over = transfers::cancel(database, &ALL, job, now_ms).await;
    assert!(matches!(over, Err(Error::Conflict(_))), "{over:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_in_the_middle_is_taken_up_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = storage::Config::embedded(folder.path());
    let server = Harness::start_with(|_| {}, |config| *config = embedded.clone()).await;
    let receiver = Receiver::of(&server, "LATER").await;
    let instances = slices(6, 16, 7);
    server.fill(&instances).await;
    let job = queue(&server, &task("LATER", &instances)).await;
    let mut open = receiver.association().await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let instance = open.instance().await.unwrap();
        taken.push(open.answer(instance, Status::SUCCESS).await);
    }
    let third = open.instance().await.unwrap();
    server.shutdown.cancel();
    // The one that is under way is waited for.
    taken.push(open.answer(third, Status::SUCCESS).await);
    assert!(open.take_all().await.is_empty());
    server.stop().await;
    let server = Harness::start_with(|_| {}, |config| *config = embedded.clone()).await;
    taken.extend(receiver.association().await.take_all().await);
    assert_eq!(reaches(&server, job, JobState::Done).await.moved, 6);
    assert_eq!((taken.len(), BTreeSet::from_iter(&taken).len()), (6, 6));
    server.stop().await;
}

#[tokio::test]
async fn what_comes_of_another_kind_while_a_study_is_sent_goes_too() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "TAKES").await;
    let instances = slices(4, 16, 12);
    server.fill(&instances).await;
    let job = queue(&server, &task("TAKES", &instances)).await;
    let mut open = receiver.association().await;
    let first = open.instance().await.unwrap();
    let report = report_on(&instances[0], 1);
    server.fill(std::slice::from_ref(&report)).await;
    open.answer(first, Status::SUCCESS).await;
    assert_eq!(open.take_all().await.len(), 3);
    // The device is asked whether it takes it.
    assert_eq!(receiver.association().await.take_all().await, [report.instance]);
    let done = reaches(&server, job, JobState::Done).await;
    assert_eq!((done.moved, done.failed, done.error, done.attempts), (5, 0, None, 1));
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_rejects_another_kind_by_itself_gets_the_rest() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "PICKY").await;
    let instances = slices(6, 16, 13);
    server.fill(&instances[..4]).await;
    let job = queue(&server, &task("PICKY", &instances)).await;
    let mut open = receiver.association().await;
    let first = open.instance().await.unwrap();
    let reports = [1, 2].map(|number| report_on(&instances[0], number));
    for (report, image) in reports.iter().zip(&instances[4..]) {
        server.fill(&[report.clone(), image.clone()]).await;
    }
    open.answer(first, Status::SUCCESS).await;
    assert_eq!(open.take_all().await.len(), 3);
    // It rejects what it would accept nothing of. What it takes goes on, and it is not asked for each of the others.
    receiver.reject(Rejection::Unspecified).await;
    let images = [4, 5].map(|at| instances[at].instance.clone());
    assert_eq!(receiver.association().await.take_all().await, images);
    // Later both kinds are proposed at once.
    let reports = reports.map(|report| report.instance);
    assert_eq!(receiver.association().await.take_all().await, reports);
    let done = reaches(&server, job, JobState::Done).await;
    assert_eq!((done.moved, done.failed, done.attempts), (8, 0, 2), "{done:?}");
    server.stop().await;
}

#[tokio::test]
async fn the_most_urgent_goes_first_and_one_at_a_time() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "ONCE").await;
    let instances = slices(3, 16, 8);
    server.fill(&instances).await;
    let one = |at: usize| Task {
        selection: Selection::Instances(vec![instances[at].instance.clone()]),
        ..task("ONCE", &instances)
    };
    queue(&server, &one(0)).await;
    let mut first = receiver.association().await;
    let under_way = first.instance().await.unwrap();
    let (database, now_ms) = (server.archive.database(), server.archive.config().clock.now_ms());
    queue(&server, &one(1)).await;
    let urgent = queue(&server, &one(2)).await;
    transfers::prioritise(database, &ALL, urgent, Priority::High, now_ms).await.unwrap();
    first.answer(under_way, Status::SUCCESS).await;
    assert!(first.take_all().await.is_empty());
    assert_eq!(receiver.association().await.take_all().await, [instances[2].instance.clone()]);
    assert_eq!(receiver.association().await.take_all().await, [instances[1].instance.clone()]);
    server.stop().await;
}
