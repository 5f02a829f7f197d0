//! What devices are told and asked without their asking: performed steps, available images, whether what was
//! sent to them is safe; and what archives are asked for when an exam is ordered.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::support::receiver::{Asked, Open, Receiver};
use crate::support::wire::Wire;
use crate::support::{Harness, ae, dataset_of, eventually, slices, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::{Association, Instance, Proposal, Target};
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::rejection::Rejection;
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, transfer_syntax, uids};
use storage::catalogue::Procedure;
use storage::devices::{self, Dealings, Device};
use storage::jobs::lanes::Priority;
use storage::jobs::{self, JobId, JobState};
use storage::schedule::{self, NewOrder, OrderPatient};
use storage::transfers::{self, Line, Selection, Show, Task};
use storage::{Subject, performed, priors, routes};

const ALL: Scope = Scope::All;
const STEP: &str = uids::MODALITY_PERFORMED_PROCEDURE_STEP;
const COMMITMENT: &str = uids::STORAGE_COMMITMENT_PUSH_MODEL;

async fn archive(title: &str, listen: Option<SocketAddr>) -> Harness {
    Harness::start_with(
        |config| {
            config.ae_titles = vec![(ae(title), None)];
            config.listen = listen.unwrap_or(config.listen);
        },
        |_| {},
    )
    .await
}

/// Makes an address a device of the server.
async fn device(server: &Harness, title: &str, address: SocketAddr, dealings: Dealings) {
    let mut device = Device::named(ae(title));
    (device.host, device.port) = (Some("127.0.0.1".into()), Some(address.port()));
    device.dealings = dealings;
    devices::upsert(server.archive.database(), &device).await.unwrap();
}

fn header(instance: &Instance) -> DataSet {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let bytes = dataset_of(instance);
    dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set
}

fn study_of(instance: &Instance) -> Uid {
    header(instance).uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap()
}

fn now_ms(server: &Harness) -> i64 {
    server.archive.config().clock.now_ms()
}

async fn send(server: &Harness, title: &str, instances: &[Instance]) -> JobId {
    let task = Task { device: ae(title), study: study_of(&instances[0]), selection: Selection::Study };
    let database = server.archive.database();
    let actor = Actor::system();
    transfers::send(database, &ALL, &actor, &task, Priority::Normal, now_ms(server)).await.unwrap()
}

async fn line(server: &Harness, id: JobId) -> Line {
    transfers::by_id(server.archive.database(), &ALL, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_receiver_confirms_that_it_keeps_what_was_sent() {
    let (server, other) = (Harness::start().await, archive("OTHER", None).await);
    device(&server, "OTHER", other.address, Dealings { asks_commitment: true, ..Dealings::default() }).await;
    let instances = slices(3, 16, 1);
    server.fill(&instances).await;
    let id = send(&server, "OTHER", &instances).await;
    eventually(async || line(&server, id).await.commitment.as_deref() == Some("committed")).await;
    assert!(line(&server, id).await.commitment_ms.is_some());
    server.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn many_instances_are_asked_about_in_parts() {
    let server = Harness::start().await;
    let instances = slices(1_001, 16, 10);
    let (receiver, id, mut asking, (context, command, first)) = sent_and_asked(&server, &instances).await;
    let asked = |set: &DataSet| set.items(tags::REFERENCED_SOP_SEQUENCE).to_vec();
    assert_eq!(asked(&first).len(), 1_000);
    asking.respond(context, &command, Status::SUCCESS).await;
    let report = |set: &DataSet, failed: &[&Uid]| {
        let mut report = about(failed);
        report.put_text(tags::TRANSACTION_UID, &set.text(tags::TRANSACTION_UID).unwrap());
        report
    };
    // One of them is not kept; of the last one nothing is known yet.
    let lost = asked(&first)[7].uid(tags::REFERENCED_SOP_INSTANCE_UID).unwrap().unwrap();
    asking.request(context, &event(), &report(&first, &[&lost])).await;
    assert_eq!(asking.response().await.status(), Some(Status::SUCCESS));
    assert!(asking.message().await.is_none(), "it says goodbye");
    asking.let_go().await;
    let mut asking = receiver.association().await;
    let (context, command, second) = asking.message().await.unwrap();
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("asked"));
    let all: BTreeSet<String> = asked(&first)
        .iter()
        .chain(&asked(&second))
        .filter_map(|item| item.text(tags::REFERENCED_SOP_INSTANCE_UID))
        .collect();
    assert_eq!((asked(&second).len(), all.len()), (1, 1_001));
    asking.respond(context, &command, Status::SUCCESS).await;
    asking.request(context, &event(), &report(&second, &[])).await;
    assert_eq!(asking.response().await.status(), Some(Status::SUCCESS));
    assert!(asking.message().await.is_none(), "it says goodbye");
    asking.let_go().await;
    eventually(async || asking_job(&server).await.state == JobState::Done).await;
    let partly = line(&server, id).await;
    assert_eq!((partly.commitment.as_deref(), partly.failed), (Some("partly"), 1));
    server.stop().await;
}

/// Encoded in explicit VR little endian.
fn encoded(set: &DataSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    dataset::write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_report_that_comes_later_says_what_is_not_kept() {
    let server = Harness::start().await;
    // The title that the tests' associations call themselves.
    let receiver = Receiver::of(&server, "WIRE").await;
    let asks = Dealings { asks_commitment: true, ..Dealings::default() };
    device(&server, "WIRE", receiver.address(), asks).await;
    let instances = slices(2, 16, 2);
    server.fill(&instances).await;
    let id = send(&server, "WIRE", &instances).await;
    assert_eq!(receiver.association().await.take_all().await.len(), 2);
    let mut asking = receiver.association().await;
    let (context, command, request) = asking.message().await.unwrap();
    assert_eq!(
        (command.operation(), command.number(element::ACTION_TYPE_ID)),
        (Some(CommandField::NAction), Some(1))
    );
    assert_eq!(request.items(tags::REFERENCED_SOP_SEQUENCE).len(), 2);
    asking.respond(context, &command, Status::SUCCESS).await;
    let transaction = request.text(tags::TRANSACTION_UID).unwrap();
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("asked"));

    let report = about(&[&instances[1].instance]);
    for (about, status) in [("1.2.3.4", Status::INVALID_ARGUMENT), (transaction.as_str(), Status::SUCCESS)] {
        assert_eq!(tell(&server, about, &report).await, status, "{about}");
    }
    let partly = line(&server, id).await;
    assert_eq!((partly.commitment.as_deref(), partly.failed), (Some("partly"), 1));
    let failures = transfers::failures(server.archive.database(), &ALL, id, 9).await.unwrap();
    assert_eq!(failures[0].instance, instances[1].instance.to_string());
    let want = r#"uncommitted {"cause":"noSuchInstance","status":"0x0112"}: failure reason 0x0112"#;
    assert_eq!(failures[0].reason, want);
    server.stop().await;
}

/// A report that these are not kept.
fn about(failed: &[&Uid]) -> DataSet {
    let item = |uid: &&Uid| {
        let mut item = DataSet::new();
        item.put_text(tags::REFERENCED_SOP_CLASS_UID, uids::CT_IMAGE_STORAGE);
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, uid);
        item.put_int(tags::FAILURE_REASON, 0x0112);
        item
    };
    let mut report = DataSet::new();
    report.put_items(tags::FAILED_SOP_SEQUENCE, failed.iter().map(item).collect());
    report
}

fn event() -> CommandSet {
    CommandSet::request(CommandField::NEventReport, 9)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(COMMITMENT))
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid(uids::STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE))
        .with_number(element::EVENT_TYPE_ID, 2)
        .followed_by_data()
}

/// Reports as WIRE over an association of its own; answers what is said to that.
async fn tell(server: &Harness, transaction: &str, report: &DataSet) -> Status {
    let mut report = report.clone();
    report.put_text(tags::TRANSACTION_UID, transaction);
    let mut wire = Wire::associate(server.address, &[(COMMITMENT, uids::EXPLICIT_VR_LITTLE_ENDIAN)]).await;
    wire.send_command(1, &event()).await;
    wire.send_set(1, false, &encoded(&report)).await;
    wire.command().await.status().unwrap()
}

/// A device that is sent these and asked whether it keeps them; answers the transfer, and what it was asked.
async fn sent_and_asked(server: &Harness, instances: &[Instance]) -> (Receiver, JobId, Open, Asked) {
    let receiver = Receiver::of(server, "WIRE").await;
    let asks = Dealings { asks_commitment: true, ..Dealings::default() };
    device(server, "WIRE", receiver.address(), asks).await;
    server.fill(instances).await;
    let id = send(server, "WIRE", instances).await;
    assert_eq!(receiver.association().await.take_all().await.len(), instances.len());
    let mut asking = receiver.association().await;
    let asked = asking.message().await.unwrap();
    (receiver, id, asking, asked)
}

/// The request for storage commitment of a transfer, as it stands.
async fn asking_job(server: &Harness) -> jobs::Job {
    let newest = jobs::newest(server.archive.database(), 9).await.unwrap();
    newest.into_iter().find(|job| job.kind == "commitment-request").unwrap()
}

#[tokio::test]
async fn a_report_on_an_earlier_request_is_taken_and_only_what_was_asked_counts() {
    let server = Harness::start().await;
    let instances = slices(4, 16, 6);
    let (receiver, id, mut asking, (context, command, first)) =
        sent_and_asked(&server, &instances[..2]).await;
    asking.respond(context, &command, Status::SUCCESS).await;
    // It says goodbye without having heard; an hour later it asks once more.
    assert!(asking.message().await.is_none());
    asking.let_go().await;
    let database = server.archive.database();
    eventually(async || asking_job(&server).await.state == JobState::Waiting).await;
    // Meanwhile the study has grown, which the device has not been told.
    server.fill(&instances[2..]).await;
    let job = asking_job(&server).await;
    let sooner = "update job set due_ms = 0 where id = $1";
    database.execute(sooner, vec![job.id.0.into()]).await.unwrap();
    let mut asking = receiver.association().await;
    let (context, command, second) = asking.message().await.unwrap();
    let asked = |set: &DataSet| set.items(tags::REFERENCED_SOP_SEQUENCE).len();
    assert_eq!((asked(&first), asked(&second)), (2, 2), "it is asked about what it was sent");
    asking.respond(context, &command, Status::SUCCESS).await;
    // Now comes the report on the first request, which speaks of what nobody asked about as well.
    let transaction = first.text(tags::TRANSACTION_UID).unwrap();
    assert_ne!(Some(&transaction), second.text(tags::TRANSACTION_UID).as_ref());
    let (stranger, later) = (uid("1.2.3.4.5"), &instances[2].instance);
    let report = about(&[&instances[1].instance, &stranger, later]);
    assert_eq!(tell(&server, &transaction, &report).await, Status::SUCCESS);
    let partly = line(&server, id).await;
    assert_eq!((partly.commitment.as_deref(), partly.failed), (Some("partly"), 1));
    assert_eq!(asking_job(&server).await.state, JobState::Done);
    drop(asking);
    server.stop().await;
}

#[tokio::test]
async fn a_report_on_something_else_leaves_the_request_waiting() {
    let server = Harness::start().await;
    let instances = slices(1, 16, 7);
    let (_receiver, _, mut asking, (context, command, _)) = sent_and_asked(&server, &instances).await;
    asking.respond(context, &command, Status::SUCCESS).await;
    let mut report = about(&[]);
    report.put_text(tags::TRANSACTION_UID, "1.2.3.4");
    asking.request(context, &event(), &report).await;
    let answer = asking.response().await;
    assert_eq!(answer.status(), Some(Status::SUCCESS));
    assert!(asking.message().await.is_none(), "it says goodbye");
    asking.let_go().await;
    // It waits for its own report, and is not lost.
    eventually(async || asking_job(&server).await.state == JobState::Waiting).await;
    let error = asking_job(&server).await.error.unwrap();
    assert!(error.starts_with("asked: "), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_takes_no_requests_is_not_waited_for() {
    let server = Harness::start().await;
    let instances = slices(1, 16, 8);
    let (_receiver, id, mut asking, (context, command, _)) = sent_and_asked(&server, &instances).await;
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("asked"));
    asking.respond(context, &command, Status::SOP_CLASS_NOT_SUPPORTED).await;
    assert!(asking.message().await.is_none(), "it says goodbye");
    asking.let_go().await;
    eventually(async || line(&server, id).await.commitment.as_deref() == Some("silent")).await;
    eventually(async || asking_job(&server).await.state == JobState::Failed).await;
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_is_away_is_asked_for_as_long_as_images_are_sent_to_it() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "WIRE").await;
    let asks = Dealings { asks_commitment: true, ..Dealings::default() };
    device(&server, "WIRE", receiver.address(), asks).await;
    let instances = slices(1, 16, 9);
    server.fill(&instances).await;
    let id = send(&server, "WIRE", &instances).await;
    let mut open = receiver.association().await;
    // It goes away before it can be asked.
    drop(receiver);
    let only = open.instance().await.unwrap();
    open.answer(only, Status::SUCCESS).await;
    assert!(open.take_all().await.is_empty());
    eventually(async || line(&server, id).await.state == JobState::Done).await;
    eventually(async || asking_job(&server).await.error.is_some()).await;
    let job = asking_job(&server).await;
    assert_eq!((job.state, line(&server, id).await.commitment), (JobState::Waiting, None));
    // A night later it still is, and nobody is told to wait any longer once it is given up.
    let database = server.archive.database();
    let later = "update job set attempts = $2 where id = $1";
    // The lane is held after it is noted that the device is away, so that it may have to be said more than once.
    let due = async || {
        let sql = "update job set due_ms = 0 where id = $1 and state = 'waiting'";
        database.execute(sql, vec![job.id.0.into()]).await.unwrap();
        asking_job(&server).await
    };
    database.execute(later, vec![job.id.0.into(), 30_i64.into()]).await.unwrap();
    eventually(async || due().await.attempts > 30).await;
    eventually(async || asking_job(&server).await.state == JobState::Waiting).await;
    let last = asking_job(&server).await.max_attempts - 1;
    database.execute(later, vec![job.id.0.into(), last.into()]).await.unwrap();
    eventually(async || due().await.state == JobState::Failed).await;
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("silent"));
    server.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_a_report_on_what_has_gone() {
    let server = Harness::start().await;
    let instances = slices(1, 16, 11);
    let (_receiver, id, mut asking, (context, command, _)) = sent_and_asked(&server, &instances).await;
    asking.respond(context, &command, Status::SUCCESS).await;
    assert!(asking.message().await.is_none(), "it says goodbye");
    asking.let_go().await;
    eventually(async || asking_job(&server).await.state == JobState::Waiting).await;
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("asked"));
    let gone = Subject::Instance(instances[0].instance.clone());
    server.archive.reject(&ALL, &Actor::system(), &gone, Rejection::Quality).await.unwrap();
    let sooner = "update job set due_ms = 0 where id = $1";
    let job = asking_job(&server).await.id.0;
    server.archive.database().execute(sooner, vec![job.into()]).await.unwrap();
    eventually(async || asking_job(&server).await.state == JobState::Done).await;
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("silent"));
    server.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_a_report_when_the_last_try_was_a_fault_of_the_archive() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "WIRE").await;
    let asks = Dealings { asks_commitment: true, ..Dealings::default() };
    device(&server, "WIRE", receiver.address(), asks).await;
    let instances = slices(1, 16, 12);
    server.fill(&instances).await;
    let database = server.archive.database();
    let fault =
        "create trigger fault before insert on commitment_ask begin select raise(abort, 'fault'); end";
    database.execute(fault, Vec::new()).await.unwrap();
    let id = send(&server, "WIRE", &instances).await;
    assert_eq!(receiver.association().await.take_all().await.len(), 1);
    receiver.association().await.gone().await;
    eventually(async || asking_job(&server).await.error.is_some()).await;
    let job = asking_job(&server).await;
    assert_eq!((job.state, line(&server, id).await.commitment), (JobState::Waiting, None));
    let last = "update job set attempts = max_attempts - 1, due_ms = 0 where id = $1";
    database.execute(last, vec![job.id.0.into()]).await.unwrap();
    receiver.association().await.gone().await;
    eventually(async || asking_job(&server).await.state == JobState::Failed).await;
    assert_eq!(line(&server, id).await.commitment.as_deref(), Some("silent"));
    // Somebody wants it asked again, and now it is not even known what is to be asked about.
    for sql in [
        "update transfer set commitment = null where job_id = $1",
        "update job set payload = '{}' where id = $1",
        "update job set attempts = max_attempts - 1, due_ms = 0, state = 'waiting'
         where kind = 'commitment-request' and id > $1",
    ] {
        database.execute(sql, vec![id.0.into()]).await.unwrap();
    }
    eventually(async || asking_job(&server).await.state == JobState::Failed).await;
    let became = "select commitment from transfer where job_id = $1";
    let became = database.fetch_optional(became, vec![id.0.into()]).await.unwrap().unwrap();
    assert_eq!(became.at::<Option<String>>(0).unwrap().as_deref(), Some("silent"));
    server.stop().await;
}

fn with(values: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
    set
}

fn begun() -> DataSet {
    let mut set = with(&[
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "0815"),
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
        (tags::MODALITY, "CT"),
    ]);
    let request = with(&[(tags::STUDY_INSTANCE_UID, "1.2.3")]);
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    set
}

fn completed() -> DataSet {
    let mut set = with(&[
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "COMPLETED"),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "0830"),
    ]);
    let series = with(&[(tags::SERIES_INSTANCE_UID, "1.2.3.1"), (tags::PROTOCOL_NAME, "CHEST")]);
    set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
    set
}

/// Reports as a console, and expects it to be taken.
async fn report(console: &mut Association, field: CommandField, step: &Uid, set: &DataSet) {
    let (class, instance) = match field {
        CommandField::NCreate => (element::AFFECTED_SOP_CLASS_UID, element::AFFECTED_SOP_INSTANCE_UID),
        _ => (element::REQUESTED_SOP_CLASS_UID, element::REQUESTED_SOP_INSTANCE_UID),
    };
    let complete = |command: CommandSet| command.with_uid(class, &uid(STEP)).with_uid(instance, step);
    let (response, _) = console.normalized(field, &uid(STEP), complete, Some(set)).await.unwrap();
    assert_eq!(response.status(), Some(Status::SUCCESS));
}

#[tokio::test]
async fn performed_steps_are_told_on_in_their_order() {
    let (server, other) = (Harness::start().await, archive("RIS", None).await);
    let address = other.address;
    let takes = Dealings { takes_performed_steps: true, ..Dealings::default() };
    device(&server, "RIS", address, takes).await;
    // It is away while the console reports.
    other.stop().await;
    let mut console = server.connect(&[Proposal::for_messages(uid(STEP)).unwrap()]).await;
    let steps = [uid("9.1"), uid("9.2")];
    for step in &steps {
        report(&mut console, CommandField::NCreate, step, &begun()).await;
        report(&mut console, CommandField::NSet, step, &completed()).await;
    }
    console.release().await.unwrap();
    let other = archive("RIS", Some(address)).await;
    for step in &steps {
        let told = async || performed::retrieve(other.archive.database(), &ALL, step).await.ok();
        let status = |set: &DataSet| set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS);
        eventually(async || told().await.is_some_and(|set| status(&set).as_deref() == Some("COMPLETED")))
            .await;
        let set = told().await.unwrap();
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("NGUYỄN^VĂN A"));
        assert_eq!(set.items(tags::PERFORMED_SERIES_SEQUENCE).len(), 1);
    }
    server.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_report_that_has_arrived_is_not_shown_as_given_up() {
    let server = Harness::start().await;
    let receiver = Receiver::of(&server, "RIS").await;
    let takes = Dealings { takes_performed_steps: true, ..Dealings::default() };
    device(&server, "RIS", receiver.address(), takes).await;
    let mut console = server.connect(&[Proposal::for_messages(uid(STEP)).unwrap()]).await;
    report(&mut console, CommandField::NCreate, &uid("9.1"), &begun()).await;
    report(&mut console, CommandField::NSet, &uid("9.1"), &completed()).await;
    console.release().await.unwrap();
    let forwarded = async || {
        let newest = jobs::newest(server.archive.database(), 9).await.unwrap();
        let states = newest.into_iter().filter(|job| job.kind == "performed-step").map(|job| job.state);
        states.rev().collect::<Vec<_>>()
    };
    let step = async |field: CommandField, status: Option<Status>| {
        let mut open = receiver.association().await;
        let (context, command, _) = open.message().await.unwrap();
        assert_eq!(command.operation(), Some(field));
        let Some(status) = status else { return };
        open.respond(context, &command, status).await;
        assert!(open.message().await.is_none(), "it says goodbye");
        open.let_go().await;
    };
    // Something has gone wrong over there, which may be gone a while later: it is tried again, and first.
    step(CommandField::NCreate, Some(Status::PROCESSING_FAILURE)).await;
    step(CommandField::NCreate, Some(Status::SUCCESS)).await;
    // The end of the step arrives, and its answer does not.
    step(CommandField::NSet, None).await;
    step(CommandField::NSet, Some(Status::PROCESSING_FAILURE)).await;
    eventually(async || forwarded().await == [JobState::Done, JobState::Done]).await;
    server.stop().await;
}

#[tokio::test]
async fn available_images_are_told_of_once() {
    let server = Harness::start().await;
    let database = server.archive.database();
    let receiver = Receiver::of(&server, "IAN").await;
    let takes = Dealings { takes_availability: true, ..Dealings::default() };
    device(&server, "IAN", receiver.address(), takes).await;
    routes::follow(database, now_ms(&server)).await.unwrap();
    let instances = slices(3, 16, 3);
    for (some, count) in [(&instances[..2], 2), (&instances[2..], 1)] {
        server.fill(some).await;
        server.archive.settle_study(&study_of(&instances[0])).await.unwrap();
        while routes::follow(database, now_ms(&server)).await.unwrap() {}
        let mut open = receiver.association().await;
        let (context, command, set) = open.message().await.unwrap();
        assert_eq!(command.operation(), Some(CommandField::NCreate));
        assert_eq!(set.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap(), study_of(&instances[0]));
        let series = &set.items(tags::REFERENCED_SERIES_SEQUENCE)[0];
        let told = series.items(tags::REFERENCED_SOP_SEQUENCE);
        assert_eq!(told.len(), count);
        assert_eq!(told[0].text(tags::INSTANCE_AVAILABILITY).as_deref(), Some("ONLINE"));
        assert_eq!(told[0].text(tags::RETRIEVE_AE_TITLE).as_deref(), Some("SEN"));
        open.respond(context, &command, Status::SUCCESS).await;
        assert!(open.message().await.is_none(), "it says goodbye");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_patient_had_before_is_fetched_when_an_exam_is_ordered() {
    let (server, other) = (Harness::start().await, archive("OLD", None).await);
    device(&server, "OLD", other.address, Dealings { is_archive: true, ..Dealings::default() }).await;
    device(&other, "SEN", server.address, Dealings::default()).await;
    let (before, stranger) = (slices(2, 16, 4), slices(2, 16, 5));
    for instances in [&before, &stranger] {
        let target = Target { called_ae: ae("OLD"), ..other.target() };
        let proposals = crate::support::proposals_for(instances);
        let mut association = Association::connect(&target, &proposals, &Default::default()).await.unwrap();
        for instance in instances {
            association.store(instance).await.unwrap();
        }
        association.release().await.unwrap();
    }
    let database = server.archive.database();
    priors::follow(database, now_ms(&server)).await.unwrap();
    let patient = header(&before[0]);
    let text = |tag| patient.text(tag);
    let order = |id: Option<String>, name: String| NewOrder {
        facility: "SEN".into(),
        patient: OrderPatient {
            id,
            name,
            birth_date: text(tags::PATIENT_BIRTH_DATE),
            ..OrderPatient::default()
        },
        accession_number: None,
        procedure: Procedure { code: "CT".into(), name: "CT".into(), modality: "CT".into() },
        station_ae: None,
        room: None,
        scheduled_date: "20261127".into(),
        scheduled_time: "090000".into(),
        referring_physician: None,
        reason: None,
        emergency: false,
    };
    let name = text(tags::PATIENT_NAME).unwrap();
    let order = order(text(tags::PATIENT_ID), name);
    schedule::create_order(database, &order, &Actor::system(), now_ms(&server)).await.unwrap();
    while priors::follow(database, now_ms(&server)).await.unwrap() {}
    eventually(async || server.place(&before[1].instance).await.is_some()).await;
    eventually(async || !transfers::list(database, &ALL, Show::Ended, 9).await.unwrap().is_empty()).await;
    let fetched = transfers::list(database, &ALL, Show::Ended, 9).await.unwrap();
    assert_eq!(fetched.len(), 1);
    assert_eq!((fetched[0].origin.as_str(), &fetched[0].study_uid), ("priors", &study_of(&before[0])));
    assert!(server.place(&stranger[0].instance).await.is_none());
    server.stop().await;
    other.stop().await;
}
