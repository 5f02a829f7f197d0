//! Storage commitment through a real listener: a device asks whether its images are safe, and is told on
//! the association that asked or on one that is opened for it.

use std::time::Duration;

use crate::support::wire::Wire;
use crate::support::{Harness, ae, eventually, slices, uid};
use dimse_scp::association::accept::{Admitted, Terms, accept};
use dimse_scp::association::{Association, End, Event};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::encode;
use dimse_scp::pdu::stream::Token;
use dimse_scp::sop_class::SopClasses;
use dimse_scp::{Timeouts, scu};
use futures::FutureExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::rejection::Rejection;
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::why::Why;
use pacs_core::{tags, uids};
use storage::Subject;
use storage::commitment::{self, Reference, Request};
use storage::devices::{self, Device};
use storage::jobs;
use tokio::net::TcpListener;

const CLASS: &str = uids::STORAGE_COMMITMENT_PUSH_MODEL;
const INSTANCE: &str = uids::STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE;
const EXPLICIT: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;

fn encoded(set: &DataSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    dataset::write(set, &EXPLICIT, &mut bytes).unwrap();
    bytes
}

fn decoded(bytes: &[u8]) -> DataSet {
    dataset::read_slice(bytes, &EXPLICIT, &Limits::default(), Until::End).unwrap().data_set
}

/// A request about these instances, as (SOP Class UID, SOP Instance UID).
fn asked(transaction: &str, instances: &[(Uid, Uid)]) -> DataSet {
    let item = |(class, instance): &(Uid, Uid)| {
        let mut item = DataSet::new();
        item.put_uid(tags::REFERENCED_SOP_CLASS_UID, class);
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, instance);
        item
    };
    let mut set = DataSet::new();
    set.put_text(tags::TRANSACTION_UID, transaction);
    set.put_items(tags::REFERENCED_SOP_SEQUENCE, instances.iter().map(item).collect());
    set
}

fn named(instances: &[scu::Instance]) -> Vec<(Uid, Uid)> {
    instances.iter().map(|instance| (instance.class.clone(), instance.instance.clone())).collect()
}

fn action() -> CommandSet {
    CommandSet::request(CommandField::NAction, 7)
        .with_uid(element::REQUESTED_SOP_CLASS_UID, &uid(CLASS))
        .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &uid(INSTANCE))
        .with_number(element::ACTION_TYPE_ID, 1)
        .followed_by_data()
}

/// Asks over an association of its own; answers it and the status.
async fn ask(server: &Harness, set: &DataSet) -> (Wire, Status) {
    let mut wire = Wire::associate(server.address, &[(CLASS, uids::EXPLICIT_VR_LITTLE_ENDIAN)]).await;
    let status = ask_again(&mut wire, &action(), Some(set)).await;
    (wire, status)
}

async fn ask_again(wire: &mut Wire, command: &CommandSet, set: Option<&DataSet>) -> Status {
    wire.send_command(1, command).await;
    if let Some(set) = set {
        wire.send_set(1, false, &encoded(set)).await;
    }
    let response = wire.command().await;
    assert_eq!(response.responds_to(), Some(7));
    response.status().unwrap()
}

async fn release(mut wire: Wire) {
    wire.send(&encode::release_request()).await;
    while !matches!(wire.token().await, Some(Token::ReleaseRp) | None) {}
}

/// The report that comes on the association: its event and its data set. It is answered.
async fn reported(wire: &mut Wire) -> (u16, DataSet) {
    let command = wire.command().await;
    assert_eq!(command.operation(), Some(CommandField::NEventReport));
    assert_eq!(command.uid(element::AFFECTED_SOP_INSTANCE_UID), Some(uid(INSTANCE)));
    let Some(Token::Data(piece)) = wire.token().await else { panic!("no data set") };
    wire.send_command(1, &CommandSet::response(&command, Status::SUCCESS)).await;
    (command.number(element::EVENT_TYPE_ID).unwrap(), decoded(&piece.bytes))
}

fn instances_of(report: &DataSet, tag: pacs_core::Tag) -> Vec<String> {
    report.items(tag).iter().map(|item| item.text(tags::REFERENCED_SOP_INSTANCE_UID).unwrap()).collect()
}

/// A device that listens for its reports.
struct Listening {
    listener: TcpListener,
}

impl Listening {
    async fn start(server: &Harness) -> Self {
        let listening = Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() };
        listening.register(server).await;
        listening
    }

    /// Makes it the device that the tests' associations call themselves.
    async fn register(&self, server: &Harness) {
        let mut device = Device::named(ae("WIRE"));
        device.host = Some("127.0.0.1".into());
        device.port = Some(self.listener.local_addr().unwrap().port());
        devices::upsert(server.archive.database(), &device).await.unwrap();
    }

    /// Takes the next association, and the report on it; answers with `status`.
    async fn report(&self, status: Status) -> (u16, DataSet) {
        let waiting = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            let classes = SopClasses::default();
            let timeouts = Timeouts::default();
            let terms = Terms { classes: &classes, max_pdu_bytes: 65536, timeouts };
            let judge = async |request: &dimse_scp::pdu::AssociateRq| {
                assert_eq!((request.calling_ae.as_str(), request.called_ae.as_str()), ("SEN", "WIRE"));
                let role = &request.user.roles[0];
                assert!(role.sop_class == CLASS && role.scp && !role.scu, "{role:?}");
                Ok(Admitted { calling_ae: ae("SEN"), called_ae: ae("WIRE"), identity_answer: None, kept: () })
            };
            let (association, ()) = accept(stream.into(), terms, judge).await.unwrap();
            take(association, status).await
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("no report came")
    }
}

async fn take(mut association: Association, status: Status) -> (u16, DataSet) {
    let Event::Message(context, command) = association.reader.event().await.unwrap() else {
        panic!("no message")
    };
    let mut bytes = Vec::new();
    while let Some(piece) = association.reader.data().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let response = CommandSet::response(&command, status);
    association.writer.message(context, &response, None).await.unwrap();
    assert!(matches!(association.reader.event().await, Ok(Event::ReleaseRequested)));
    association.close(&End::Released).await;
    (command.number(element::EVENT_TYPE_ID).unwrap(), decoded(&bytes))
}

#[tokio::test]
async fn a_device_that_stays_hears_on_its_association() {
    let server = Harness::start().await;
    let instances = slices(3, 8, 1);
    server.fill(&instances).await;
    let (mut wire, status) = ask(&server, &asked("1.2.9", &named(&instances))).await;
    assert_eq!(status, Status::SUCCESS);
    let (event, report) = reported(&mut wire).await;
    assert_eq!(event, 1);
    assert_eq!(report.text(tags::TRANSACTION_UID).as_deref(), Some("1.2.9"));
    assert_eq!(report.text(tags::RETRIEVE_AE_TITLE).as_deref(), Some("SEN"));
    let want: Vec<String> = instances.iter().map(|instance| instance.instance.to_string()).collect();
    assert_eq!(instances_of(&report, tags::REFERENCED_SOP_SEQUENCE), want);
    assert!(!report.contains(tags::FAILED_SOP_SEQUENCE));
    for instance in &instances {
        let kept = server.place(&instance.instance).await.unwrap().place.kept;
        assert!(matches!(kept, storage::index::place::Kept::Pack(_)), "settled before yes was said");
    }
    // It asks once more, which is another request.
    let again = ask_again(&mut wire, &action(), Some(&asked("1.2.9", &named(&instances[..1])))).await;
    assert_eq!(again, Status::SUCCESS);
    assert_eq!(reported(&mut wire).await.0, 1);
    release(wire).await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_safe_is_told_with_its_reason() {
    let server = Harness::start().await;
    let instances = slices(3, 8, 2);
    server.fill(&instances).await;
    let rejected = server.place(&instances[2].instance).await.unwrap();
    let subject = Subject::Instance(rejected.uid);
    let actor = Actor::system();
    server.archive.reject(&Scope::All, &actor, &subject, Rejection::Quality).await.unwrap();
    let mut about = named(&instances);
    about[1].0 = uid(uids::MR_IMAGE_STORAGE);
    about.push((uid(uids::CT_IMAGE_STORAGE), uid("1.2.3.4.5")));
    let (mut wire, _) = ask(&server, &asked("1.2.9", &about)).await;
    let (event, report) = reported(&mut wire).await;
    assert_eq!(event, 2);
    assert_eq!(instances_of(&report, tags::REFERENCED_SOP_SEQUENCE), [instances[0].instance.to_string()]);
    let failed: Vec<(String, Option<i64>)> = report
        .items(tags::FAILED_SOP_SEQUENCE)
        .iter()
        .map(|item| (item.text(tags::REFERENCED_SOP_INSTANCE_UID).unwrap(), item.int(tags::FAILURE_REASON)))
        .collect();
    let want = [
        (instances[1].instance.to_string(), Some(0x0119)),
        (instances[2].instance.to_string(), Some(0x0112)),
        ("1.2.3.4.5".to_owned(), Some(0x0112)),
    ];
    assert_eq!(failed, want);
    release(wire).await;
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_leaves_is_called_until_it_has_taken_its_report() {
    let server = Harness::start().await;
    let instances = slices(2, 8, 3);
    server.fill(&instances).await;
    let device = Listening::start(&server).await;
    let (wire, status) = ask(&server, &asked("1.2.9", &named(&instances))).await;
    assert_eq!(status, Status::SUCCESS);
    // Without a farewell, whatever was under way.
    drop(wire);
    assert_eq!(device.report(Status::PROCESSING_FAILURE).await.0, 1);
    let (event, report) = device.report(Status::SUCCESS).await;
    assert_eq!((event, report.items(tags::REFERENCED_SOP_SEQUENCE).len()), (1, 2));
    server.stop().await;
}

#[tokio::test]
async fn a_report_that_is_refused_on_the_association_comes_on_another() {
    let server = Harness::start().await;
    let instances = slices(1, 8, 4);
    server.fill(&instances).await;
    let device = Listening::start(&server).await;
    let (mut wire, _) = ask(&server, &asked("1.2.9", &named(&instances))).await;
    let command = wire.command().await;
    assert!(matches!(wire.token().await, Some(Token::Data(_))));
    wire.send_command(1, &CommandSet::response(&command, Status::UNRECOGNIZED_OPERATION)).await;
    assert_eq!(device.report(Status::SUCCESS).await.0, 1);
    release(wire).await;
    server.stop().await;
}

/// Devices that take connections and then say nothing, each asked about much, keep their own reports waiting only.
#[tokio::test]
async fn devices_that_say_nothing_keep_nobody_else_waiting() {
    let server = Harness::start().await;
    let instances = slices(1, 8, 9);
    server.fill(&instances).await;
    let (class, instance) = named(&instances).remove(0);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = server.archive.database();
    for (name, requests) in [("DEAD1", 8), ("DEAD2", 8), ("DEAD3", 8)] {
        let mut device = Device::named(ae(name));
        device.host = Some("127.0.0.1".into());
        device.port = Some(silent.local_addr().unwrap().port());
        devices::upsert(database, &device).await.unwrap();
        for at in 0..requests {
            let request = Request {
                transaction: uid(&format!("1.2.7.{at}")),
                device: ae(name),
                called: ae("SEN"),
                references: vec![Reference { class: class.clone(), instance: instance.clone() }],
            };
            let task = commitment::begin(database, request, "w", 1000, 0).await.unwrap().unwrap();
            commitment::hand_over(database, &task, "w", 0).await.unwrap();
        }
    }
    let mut called = Vec::new();
    for _ in 0..3 {
        called.push(tokio::time::timeout(Duration::from_secs(20), silent.accept()).await.unwrap().unwrap());
    }
    let device = Listening::start(&server).await;
    let (wire, _) = ask(&server, &asked("1.2.9", &named(&instances))).await;
    drop(wire);
    assert_eq!(device.report(Status::SUCCESS).await.0, 1);
    assert!(silent.accept().now_or_never().is_none(), "each is told of one request at a time");
    server.stop().await;
}

/// While the object store is away nothing can be promised, and nothing is denied: the report waits for it.
#[tokio::test]
async fn a_report_waits_while_the_object_store_is_away_and_is_right_afterwards() {
    let server = Harness::start().await;
    let instances = slices(2, 8, 7);
    server.fill(&instances).await;
    let device = Listening::start(&server).await;
    let objects = server.folder().join("objects");
    let away = server.folder().join("away");
    std::fs::rename(&objects, &away).unwrap();
    std::fs::write(&objects, "no folder").unwrap();
    let (wire, status) = ask(&server, &asked("1.2.9", &named(&instances))).await;
    assert_eq!(status, Status::SUCCESS);
    let database = server.archive.database();
    // The association could not be told, and one of its own would have had nothing to tell.
    eventually(async || {
        let newest = jobs::newest(database, 9).await.unwrap();
        let error = newest.iter().find(|job| job.kind == "commitment").and_then(|job| job.error.as_deref());
        error.is_some_and(|error| Why::read(error).code == "internal")
    })
    .await;
    let called = tokio::time::timeout(Duration::ZERO, device.listener.accept()).await;
    assert!(called.is_err(), "it was called, and there was nothing to report");
    for instance in &instances {
        assert!(server.place(&instance.instance).await.is_some(), "it is served all the same");
    }
    std::fs::remove_file(&objects).unwrap();
    std::fs::rename(&away, &objects).unwrap();
    let (event, report) = device.report(Status::SUCCESS).await;
    let want: Vec<String> = instances.iter().map(|instance| instance.instance.to_string()).collect();
    assert_eq!((event, instances_of(&report, tags::REFERENCED_SOP_SEQUENCE)), (1, want));
    assert!(!report.contains(tags::FAILED_SOP_SEQUENCE));
    for instance in &instances {
        let kept = server.place(&instance.instance).await.unwrap().place.kept;
        assert!(matches!(kept, storage::index::place::Kept::Pack(_)));
    }
    release(wire).await;
    server.stop().await;
}

/// A device may be at something else when it answers a report.
#[tokio::test]
async fn a_report_is_answered_in_the_middle_of_a_query() {
    let server = Harness::start().await;
    let instances = slices(1, 8, 6);
    server.fill(&instances).await;
    let find = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
    let syntax = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    let mut wire = Wire::associate(server.address, &[(CLASS, syntax), (find, syntax)]).await;
    assert_eq!(
        ask_again(&mut wire, &action(), Some(&asked("1.2.9", &named(&instances)))).await,
        Status::SUCCESS
    );
    let report = wire.command().await;
    assert!(matches!(wire.token().await, Some(Token::Data(_))));
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    let query = CommandSet::request(CommandField::Find, 8)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(find))
        .followed_by_data();
    // In one write, so that the answer is there before the query has been answered.
    let mut pdus = Vec::new();
    for (context, is_command, content) in [
        (3, true, query.encode()),
        (3, false, encoded(&identifier)),
        (1, true, CommandSet::response(&report, Status::SUCCESS).encode()),
    ] {
        pdus.extend(encode::data_header(context, is_command, true, content.len() as u32));
        pdus.extend(content);
    }
    wire.send(&pdus).await;
    assert_eq!(wire.command().await.status(), Some(Status::PENDING));
    assert!(matches!(wire.token().await, Some(Token::Data(_))));
    assert_eq!(wire.command().await.status(), Some(Status::SUCCESS));
    release(wire).await;
    server.stop().await;
}

/// Every refusal comes at once, with its status, and the association goes on.
#[tokio::test]
async fn nonsense_is_refused_and_the_association_goes_on() {
    let server = Harness::start().await;
    let instances = slices(1, 8, 5);
    server.fill(&instances).await;
    let good = asked("1.2.9", &named(&instances));
    let mut wire = Wire::associate(server.address, &[(CLASS, uids::EXPLICIT_VR_LITTLE_ENDIAN)]).await;
    let bare = CommandSet::request(CommandField::NAction, 7)
        .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &uid(INSTANCE))
        .with_number(element::ACTION_TYPE_ID, 1);
    let mut bad_uid = good.clone();
    bad_uid.put_text(tags::TRANSACTION_UID, "transaction 1");
    let mut nameless = good.clone();
    nameless.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![DataSet::new()]);
    let mut nothing = good.clone();
    nothing.remove(tags::REFERENCED_SOP_SEQUENCE);
    for (command, set, status) in [
        (bare, None, Status::INVALID_ARGUMENT),
        (action(), Some(bad_uid), Status::INVALID_ARGUMENT),
        (action(), Some(nameless), Status::INVALID_ARGUMENT),
        (action(), Some(nothing), Status::INVALID_ARGUMENT),
        (action().with_number(element::ACTION_TYPE_ID, 2), Some(good.clone()), Status::NO_SUCH_ACTION),
        (
            action().with_uid(element::REQUESTED_SOP_INSTANCE_UID, &uid("1.2.3")),
            Some(good.clone()),
            Status::NO_SUCH_INSTANCE,
        ),
    ] {
        assert_eq!(ask_again(&mut wire, &command, set.as_ref()).await, status);
    }
    wire.send_command(1, &action()).await;
    wire.send_set(1, false, b"this is no data set at all").await;
    assert_eq!(wire.command().await.status(), Some(Status::PROCESSING_FAILURE));
    assert_eq!(ask_again(&mut wire, &action(), Some(&good)).await, Status::SUCCESS);
    assert_eq!(reported(&mut wire).await.0, 1);
    // A response that answers nothing is a fault of the protocol.
    wire.send_command(1, &CommandSet::response(&action(), Status::SUCCESS)).await;
    assert!(matches!(wire.token().await, Some(Token::Abort(..))));
    server.assert_alive().await;
    server.stop().await;
}
