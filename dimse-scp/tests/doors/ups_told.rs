//! Who is told of unified procedure steps, over associations that the server opens.

use crate::support::receiver::Receiver;
use crate::support::steps::{PULL, PUSH, Program, WATCH, code, step, with};
use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::{CommandField, Status, command::element};
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::devices::{self, Device};
use storage::ups;

const GLOBAL: &str = uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE;
const FILTERED: &str = uids::UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE;
const SUBSCRIBE: u16 = 3;
const UNSUBSCRIBE: u16 = 4;
const SUSPEND: u16 = 5;

fn receiver(title: &str, lock: Option<&str>) -> DataSet {
    let mut set = with(&[(tags::RECEIVING_AE, title)]);
    lock.into_iter().for_each(|lock| set.put_text(tags::DELETION_LOCK, lock));
    set
}

impl Program {
    async fn follow(&mut self, about: &str, action: u16, set: &DataSet) -> Status {
        self.action(WATCH, &uid(about), action, Some(set)).await.status().unwrap()
    }
}

/// Takes a report on an association of its own: its step, its type, what it says.
async fn told(device: &Receiver) -> (Uid, u16, DataSet) {
    let mut association = device.association().await;
    let (context, command, set) = association.message().await.unwrap();
    assert_eq!(command.operation(), Some(CommandField::NEventReport));
    assert_eq!(command.uid(element::AFFECTED_SOP_CLASS_UID), Some(uid(PUSH)));
    association.respond(context, &command, Status::SUCCESS).await;
    assert!(association.message().await.is_none());
    association.let_go().await;
    let about = command.uid(element::AFFECTED_SOP_INSTANCE_UID).unwrap();
    (about, command.number(element::EVENT_TYPE_ID).unwrap(), set)
}

fn said(report: &(Uid, u16, DataSet)) -> (&str, u16, Option<String>) {
    (report.0.as_str(), report.1, report.2.text(tags::PROCEDURE_STEP_STATE))
}

fn state(state: &str) -> Option<String> {
    Some(state.to_owned())
}

#[tokio::test]
async fn who_follows_all_is_told_of_everything_in_order() {
    let server = Harness::start().await;
    let device = Receiver::of(&server, "WATCHER").await;
    let mut program = Program::connect(&server).await;
    let watcher = receiver("WATCHER", Some("FALSE"));
    assert_eq!(program.follow(GLOBAL, SUBSCRIBE, &watcher).await, Status::SUCCESS);
    let mut set = step("x");
    set.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    program.create(Some("1.2"), Some(&set)).await;
    let one = uid("1.2");
    program.change_state(&one, "IN PROGRESS", Some("1.5.1")).await;
    let mut change = with(&[(tags::TRANSACTION_UID, "1.5.1")]);
    change.put_items(
        tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE,
        vec![with(&[(tags::PROCEDURE_STEP_PROGRESS, "50")])],
    );
    assert_eq!(program.set(&one, &change).await.status(), Some(Status::SUCCESS));
    let why = with(&[(tags::REASON_FOR_CANCELLATION, "Bệnh nhân về"), (tags::CONTACT_DISPLAY_NAME, "Bình")]);
    assert_eq!(program.action(WATCH, &one, 2, Some(&why)).await.status(), Some(Status::SUCCESS));
    program.change_state(&one, "CANCELED", Some("1.5.1")).await;
    let now_ms = server.archive.config().clock.now_ms();
    ups::restarted(server.archive.database(), now_ms).await.unwrap();

    assert_eq!(said(&told(&device).await), ("1.2", 1, state("SCHEDULED")));
    let assigned = told(&device).await;
    assert_eq!(said(&assigned), ("1.2", 5, None));
    assert_eq!(assigned.2.items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE).len(), 1);
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("IN PROGRESS")));
    let progress = told(&device).await;
    assert_eq!(said(&progress), ("1.2", 3, None));
    let progress = progress.2.items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE);
    assert_eq!(progress[0].text(tags::PROCEDURE_STEP_PROGRESS).as_deref(), Some("50"));
    let asked = told(&device).await;
    assert_eq!(said(&asked), ("1.2", 2, None));
    assert_eq!(asked.2.text(tags::REQUESTING_AE).as_deref(), Some("TEST"));
    assert_eq!(asked.2.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Bệnh nhân về"));
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("CANCELED")));
    let restarted = told(&device).await;
    assert_eq!(said(&restarted), (GLOBAL, 4, None));
    assert_eq!(restarted.2.text(tags::SCP_STATUS).as_deref(), Some("RESTARTED"));
    program.release().await;
    server.stop().await;
}

#[tokio::test]
async fn subscriptions_come_and_go() {
    let server = Harness::start().await;
    let device = Receiver::of(&server, "WATCHER").await;
    devices::upsert(server.archive.database(), &Device::named(ae("NOWHERE"))).await.unwrap();
    let mut program = Program::connect(&server).await;
    program.create(Some("1.2"), Some(&step("x"))).await;
    let watcher = receiver("WATCHER", None);
    let mut unmatched = watcher.clone();
    unmatched.put_text(tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP, "x");
    let mut wrong = watcher.clone();
    wrong.put_text(tags::PATIENT_BIRTH_DATE, "yesterday");
    use Status as S;
    for (about, action, set, status) in [
        ("1.2", SUBSCRIBE, DataSet::new(), S::INVALID_ARGUMENT),
        ("1.2", SUBSCRIBE, receiver("ATITLETHATISTOOLONG", None), S::INVALID_ARGUMENT),
        ("1.2", SUBSCRIBE, receiver("WATCHER", Some("MAYBE")), S::INVALID_ARGUMENT),
        ("1.2", SUBSCRIBE, receiver("STRANGER", None), S::UPS_RECEIVER_UNKNOWN),
        ("1.2", SUBSCRIBE, receiver("NOWHERE", None), S::UPS_RECEIVER_UNKNOWN),
        ("1.2", UNSUBSCRIBE, receiver("NOWHERE", None), S::SUCCESS),
        ("1.9", SUBSCRIBE, watcher.clone(), S::UPS_UNKNOWN),
        ("1.9", UNSUBSCRIBE, watcher.clone(), S::UPS_UNKNOWN),
        ("1.2", SUSPEND, watcher.clone(), S::UPS_NOT_APPROPRIATE),
        (FILTERED, SUBSCRIBE, watcher.clone(), S::INVALID_ARGUMENT),
        (FILTERED, SUBSCRIBE, unmatched, S::INVALID_ARGUMENT),
        (FILTERED, SUBSCRIBE, wrong, S::INVALID_ARGUMENT),
        // Nothing to take back: it is as it was asked to be.
        ("1.2", UNSUBSCRIBE, watcher.clone(), S::SUCCESS),
        (GLOBAL, UNSUBSCRIBE, watcher.clone(), S::SUCCESS),
        (GLOBAL, SUSPEND, watcher.clone(), S::SUCCESS),
    ] {
        assert_eq!(program.follow(about, action, &set).await, status, "{about} {action}");
    }
    // The present state of a single step, whose deletion lock comes and goes with further subscriptions.
    let locked = receiver("WATCHER", Some("TRUE"));
    assert_eq!(program.follow("1.2", SUBSCRIBE, &locked).await, S::SUCCESS);
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("SCHEDULED")));
    assert_eq!(program.action(PUSH, &uid("1.2"), 2, None).await.status(), Some(S::SUCCESS));
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("IN PROGRESS")));
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("CANCELED")));
    let (database, late) = (server.archive.database(), i64::MAX);
    assert_eq!(ups::prune(database, late).await.unwrap(), 0);
    assert_eq!(program.follow("1.2", UNSUBSCRIBE, &watcher).await, S::SUCCESS);
    assert_eq!(ups::prune(database, late).await.unwrap(), 1);
    assert_eq!(program.get(PULL, &uid("1.2"), &[]).await.0.status(), Some(S::UPS_UNKNOWN));

    // What fits a filter, of what is there and of what comes.
    let mut set = step("first");
    set.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    program.create(Some("1.3"), Some(&set)).await;
    program.create(Some("1.4"), Some(&step("other"))).await;
    let mut filter = receiver("WATCHER", Some("TRUE"));
    filter.put_text(tags::PATIENT_NAME, "dupont andre");
    let station = with(&[(tags::CODE_VALUE, "AI1"), (tags::CODING_SCHEME_DESIGNATOR, "")]);
    filter.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![station]);
    assert_eq!(program.follow(FILTERED, SUBSCRIBE, &filter).await, S::SUCCESS);
    assert_eq!(said(&told(&device).await), ("1.3", 1, state("SCHEDULED")));
    program.create(Some("1.5"), Some(&step("other"))).await;
    program.create(Some("1.6"), Some(&set)).await;
    assert_eq!(said(&told(&device).await), ("1.6", 1, state("SCHEDULED")));
    assert_eq!(said(&told(&device).await), ("1.6", 5, None));
    // Suspended it follows what it follows.
    assert_eq!(program.follow(FILTERED, SUSPEND, &watcher).await, S::SUCCESS);
    program.create(Some("1.7"), Some(&set)).await;
    program.change_state(&uid("1.6"), "IN PROGRESS", Some("1.5.1")).await;
    assert_eq!(said(&told(&device).await), ("1.6", 1, state("IN PROGRESS")));
    program.release().await;
    server.stop().await;
}

/// A device that cannot be reached, fails and then takes what it is told hears everything once, in its own letters.
#[tokio::test]
async fn a_report_is_told_until_it_is_taken() {
    let server = Harness::start().await;
    let device = Receiver::of(&server, "WATCHER").await;
    let database = server.archive.database();
    let mut known = devices::by_ae(database, &ae("WATCHER")).await.unwrap().unwrap();
    known.character_set = CharacterSet::named("ISO_IR 100");
    devices::upsert(database, &known).await.unwrap();
    let mut program = Program::connect(&server).await;
    assert_eq!(program.follow(GLOBAL, SUBSCRIBE, &receiver("WATCHER", None)).await, Status::SUCCESS);
    program.create(Some("1.2"), Some(&step("x"))).await;
    device.hang_up().await;
    program.change_state(&uid("1.2"), "IN PROGRESS", Some("1.5.1")).await;
    let why = with(&[(tags::REASON_FOR_CANCELLATION, "Bệnh nhân về")]);
    program.action(WATCH, &uid("1.2"), 2, Some(&why)).await;
    // It fails at the first one, which is told again before the others.
    let mut association = device.association().await;
    let (context, command, _) = association.message().await.unwrap();
    association.respond(context, &command, Status::PROCESSING_FAILURE).await;
    assert!(association.message().await.is_none());
    association.let_go().await;
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("SCHEDULED")));
    assert_eq!(said(&told(&device).await), ("1.2", 1, state("IN PROGRESS")));
    let asked = told(&device).await;
    assert_eq!(said(&asked), ("1.2", 2, None));
    assert_eq!(asked.2.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Benh nhân ve"));
    program.release().await;
    server.stop().await;
}

/// A device speaks for itself, and for those that see no more than it does.
#[tokio::test]
async fn who_speaks_for_whom() {
    let server = Harness::start().await;
    let database = server.archive.database();
    for (title, facility) in
        [("TEST", Some("BVTW")), ("NEAR", Some("BVTW")), ("FAR", Some("BVH")), ("ALL", None)]
    {
        let mut device = Device::named(ae(title));
        (device.host, device.port) = (Some("127.0.0.1".into()), Some(1));
        device.facility = facility.map(str::to_owned);
        devices::upsert(database, &device).await.unwrap();
    }
    let mut program = Program::connect(&server).await;
    for (title, status) in [
        ("TEST", Status::SUCCESS),
        ("NEAR", Status::SUCCESS),
        ("FAR", Status::NOT_AUTHORIZED),
        ("ALL", Status::NOT_AUTHORIZED),
    ] {
        for action in [SUBSCRIBE, SUSPEND, UNSUBSCRIBE] {
            assert_eq!(
                program.follow(GLOBAL, action, &receiver(title, None)).await,
                status,
                "{title} {action}"
            );
        }
    }
    program.release().await;
    server.stop().await;
}
