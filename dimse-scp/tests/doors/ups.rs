//! Unified procedure steps through a real listener: created, found, claimed, changed and ended, and what becomes of
//! requests that a step does not allow.

use crate::support::steps::{PULL, PUSH, Program, QUERY, WATCH, code, finished, step, with};
use crate::support::{Harness, ae, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};
use storage::devices::{self, Device};
use storage::ups;

const STATE: Tag = tags::PROCEDURE_STEP_STATE;

#[tokio::test]
async fn a_step_is_made_found_claimed_changed_and_ended() {
    let server = Harness::start().await;
    let mut program = Program::connect(&server).await;
    // In the letters of a program that knows no others.
    let set = step("CAD").encode_text_in(CharacterSet::LATIN_1);
    let (response, _) = program.create(Some("1.2"), Some(&set)).await;
    assert_eq!(response.status(), Some(Status::UPS_MODIFIED));
    assert_eq!(response.uid(element::AFFECTED_SOP_CLASS_UID), Some(uid(PUSH)));
    let one = uid("1.2");
    assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE_UID), Some(one.clone()));
    // Without a UID one is made, and answered.
    let (response, _) = program.create(None, Some(&step("QA"))).await;
    let two = response.uid(element::AFFECTED_SOP_INSTANCE_UID).unwrap();

    for class in [PULL, WATCH, QUERY] {
        let mut keys = with(&[(STATE, "SCHEDULED"), (tags::PROCEDURE_STEP_LABEL, "CA*")]);
        [tags::PATIENT_NAME, tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID, tags::TRANSACTION_UID]
            .into_iter()
            .for_each(|tag| keys.put_empty(tag));
        let (found, status) = program.find(class, &keys).await;
        assert_eq!((found.len(), status), (1, Status::SUCCESS));
        assert_eq!(found[0].text(tags::PATIENT_NAME).as_deref(), Some("Dupont^André"));
        assert_eq!(found[0].text(tags::SOP_CLASS_UID).as_deref(), Some(PUSH));
        assert_eq!(found[0].uid(tags::SOP_INSTANCE_UID), Some(Ok(one.clone())));
    }

    let key = "1.5.1";
    assert_eq!(program.change_state(&one, "IN PROGRESS", Some(key)).await, Status::SUCCESS);
    let done = finished();
    assert_eq!(program.set(&one, &done).await.status(), Some(Status::UPS_WRONG_TRANSACTION));
    let mut with_key = done.clone();
    with_key.put_text(tags::TRANSACTION_UID, key);
    assert_eq!(program.set(&one, &with_key).await.status(), Some(Status::SUCCESS));
    for class in [PUSH, PULL, WATCH] {
        let (response, all) = program.get(class, &one, &[]).await;
        assert_eq!(response.status(), Some(Status::SUCCESS));
        let all = all.unwrap();
        assert_eq!(all.text(STATE).as_deref(), Some("IN PROGRESS"));
        assert!(!all.contains(tags::TRANSACTION_UID), "it is its performer's alone");
    }
    let (response, some) = program.get(PULL, &one, &[STATE, tags::TRANSACTION_UID]).await;
    assert_eq!(response.status(), Some(Status::OPTIONAL_ATTRIBUTES_UNSUPPORTED));
    assert_eq!(response.tags(element::ATTRIBUTE_IDENTIFIER_LIST), [tags::TRANSACTION_UID]);
    assert_eq!(some.unwrap().text(STATE).as_deref(), Some("IN PROGRESS"));
    assert_eq!(program.change_state(&one, "COMPLETED", Some(key)).await, Status::SUCCESS);
    assert_eq!(program.change_state(&one, "COMPLETED", Some(key)).await, Status::UPS_ALREADY_COMPLETED);

    // Nobody has claimed the other one, so whoever wants it cancelled has it.
    assert_eq!(program.action(PUSH, &two, 2, None).await.status(), Some(Status::SUCCESS));
    let why = with(&[(tags::REASON_FOR_CANCELLATION, "Zurück")]);
    assert_eq!(program.action(WATCH, &two, 2, Some(&why)).await.status(), Some(Status::UPS_ALREADY_CANCELED));
    let kept = ups::retrieve(server.archive.database(), &Scope::All, &two).await.unwrap();
    assert_eq!(kept.text(STATE).as_deref(), Some("CANCELED"));
    program.release().await;
    server.stop().await;
}

/// Table CC.1.1-2, and those of CC.2.1 to CC.2.8: every refusal comes at once, and the association goes on.
#[tokio::test]
async fn what_a_state_does_not_allow_has_its_status() {
    let server = Harness::start().await;
    let mut program = Program::connect(&server).await;
    let [waiting, begun, completed, canceled] = ["1.1", "1.2", "1.3", "1.4"].map(uid);
    for step_uid in [&waiting, &begun, &completed, &canceled] {
        program.create(Some(step_uid.as_str()), Some(&step("x"))).await;
    }
    let key = Some("1.5.1");
    for step_uid in [&begun, &completed, &canceled] {
        assert_eq!(program.change_state(step_uid, "IN PROGRESS", key).await, Status::SUCCESS);
    }
    assert_eq!(program.change_state(&begun, "COMPLETED", key).await, Status::UPS_NOT_READY);
    let mut done = finished();
    done.put_text(tags::TRANSACTION_UID, "1.5.1");
    assert_eq!(program.set(&completed, &done).await.status(), Some(Status::SUCCESS));
    assert_eq!(program.change_state(&completed, "COMPLETED", key).await, Status::SUCCESS);
    assert_eq!(program.change_state(&canceled, "CANCELED", key).await, Status::SUCCESS);

    let nowhere = uid("1.9");
    use Status as S;
    let cases: [(&Uid, &str, Option<&str>, Status); 20] = [
        (&waiting, "COMPLETED", key, S::UPS_NOT_IN_PROGRESS),
        (&waiting, "CANCELED", key, S::UPS_NOT_IN_PROGRESS),
        (&waiting, "IN PROGRESS", None, S::UPS_WRONG_TRANSACTION),
        (&waiting, "SCHEDULED", key, S::UPS_ONLY_BY_CREATION),
        (&begun, "IN PROGRESS", key, S::UPS_IN_PROGRESS),
        (&begun, "IN PROGRESS", Some("1.5.2"), S::UPS_WRONG_TRANSACTION),
        (&begun, "COMPLETED", Some("1.5.2"), S::UPS_WRONG_TRANSACTION),
        (&begun, "CANCELED", None, S::UPS_WRONG_TRANSACTION),
        (&begun, "SCHEDULED", None, S::UPS_ONLY_BY_CREATION),
        (&completed, "IN PROGRESS", key, S::UPS_ENDED),
        (&completed, "CANCELED", key, S::UPS_ENDED),
        (&completed, "COMPLETED", key, S::UPS_ALREADY_COMPLETED),
        (&completed, "COMPLETED", Some("1.5.2"), S::UPS_WRONG_TRANSACTION),
        (&canceled, "IN PROGRESS", key, S::UPS_ENDED),
        (&canceled, "COMPLETED", key, S::UPS_ENDED),
        (&canceled, "CANCELED", key, S::UPS_ALREADY_CANCELED),
        (&nowhere, "IN PROGRESS", key, S::UPS_UNKNOWN),
        (&begun, "DONE", key, S::INVALID_ARGUMENT),
        (&begun, "", key, S::INVALID_ARGUMENT),
        (&begun, "COMPLETED", Some("1..2"), S::INVALID_ARGUMENT),
    ];
    for (step_uid, state, key, status) in cases {
        assert_eq!(program.change_state(step_uid, state, key).await, status, "{step_uid} {state} {key:?}");
    }
    let label = |key: Option<&str>| {
        let mut set = with(&[(tags::PROCEDURE_STEP_LABEL, "y")]);
        key.into_iter().for_each(|key| set.put_text(tags::TRANSACTION_UID, key));
        set
    };
    for (step_uid, set, status) in [
        (&waiting, label(None), S::SUCCESS),
        (&waiting, label(key), S::UPS_NOT_IN_PROGRESS),
        (&begun, label(None), S::UPS_WRONG_TRANSACTION),
        (&begun, label(Some("1.5.2")), S::UPS_WRONG_TRANSACTION),
        (&completed, label(key), S::UPS_ENDED),
        (&canceled, label(None), S::UPS_ENDED),
        (&nowhere, label(None), S::UPS_UNKNOWN),
        (&waiting, with(&[(STATE, "COMPLETED")]), S::NO_SUCH_ATTRIBUTE),
        (&waiting, with(&[(tags::PATIENT_NAME, "Other")]), S::NO_SUCH_ATTRIBUTE),
        (&waiting, with(&[(tags::PROCEDURE_STEP_LABEL, "")]), S::MISSING_ATTRIBUTE_VALUE),
        (&waiting, with(&[(tags::INPUT_READINESS_STATE, "MAYBE")]), S::INVALID_ATTRIBUTE_VALUE),
    ] {
        assert_eq!(program.set(step_uid, &set).await.status(), Some(status), "{step_uid}");
    }
    for (step_uid, status) in [
        (&begun, S::UPS_NOBODY_LISTENS),
        (&completed, S::UPS_COMPLETED),
        (&canceled, S::UPS_ALREADY_CANCELED),
        (&nowhere, S::UPS_UNKNOWN),
    ] {
        assert_eq!(program.action(PUSH, step_uid, 2, None).await.status(), Some(status), "{step_uid}");
    }
    assert_eq!(program.get(WATCH, &nowhere, &[]).await.0.status(), Some(S::UPS_UNKNOWN));
    program.release().await;
    server.stop().await;
}

#[tokio::test]
async fn nonsense_is_refused_and_the_association_goes_on() {
    let server = Harness::start().await;
    let mut program = Program::connect(&server).await;
    let changed = |tag: Tag, value: &str| {
        let mut set = step("x");
        set.put_text(tag, value);
        set
    };
    let mut without = step("x");
    without.remove(tags::INPUT_READINESS_STATE);
    let mut begun = step("x");
    begun.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![code("1", "99SEN")]);
    let mut huge = step("x");
    huge.put_text(tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP, &"x".repeat(2 << 20));
    use Status as S;
    for (set, status) in [
        (without, S::MISSING_ATTRIBUTE),
        (changed(tags::PROCEDURE_STEP_LABEL, ""), S::MISSING_ATTRIBUTE_VALUE),
        (changed(STATE, "IN PROGRESS"), S::UPS_NOT_SCHEDULED),
        (changed(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "URGENT"), S::INVALID_ATTRIBUTE_VALUE),
        (changed(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "now"), S::INVALID_ATTRIBUTE_VALUE),
        (changed(tags::TRANSACTION_UID, "1.5.1"), S::INVALID_ATTRIBUTE_VALUE),
        (changed(tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE), S::INVALID_ATTRIBUTE_VALUE),
        (changed(tags::SOP_INSTANCE_UID, "1.3"), S::INVALID_INSTANCE),
        (begun, S::INVALID_ATTRIBUTE_VALUE),
        (huge, S::RESOURCE_LIMITATION),
    ] {
        assert_eq!(program.create(Some("1.2"), Some(&set)).await.0.status(), Some(status));
    }
    assert_eq!(program.create(Some("1.2"), None).await.0.status(), Some(S::INVALID_ARGUMENT));
    for many in [uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE, uids::UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE] {
        assert_eq!(program.create(Some(many), Some(&step("x"))).await.0.status(), Some(S::INVALID_INSTANCE));
    }
    assert_eq!(program.create(Some("1.2"), Some(&step("x"))).await.0.status(), Some(S::UPS_MODIFIED));
    assert_eq!(program.create(Some("1.2"), Some(&step("x"))).await.0.status(), Some(S::DUPLICATE_INSTANCE));

    // What the negotiated class does not do, it does not do.
    let one = uid("1.2");
    let state = with(&[(STATE, "IN PROGRESS"), (tags::TRANSACTION_UID, "1.5.1")]);
    for (class, number) in [(PUSH, 1), (WATCH, 1), (PULL, 2), (PUSH, 3), (PULL, 5), (WATCH, 6), (PULL, 0)] {
        let response = program.action(class, &one, number, Some(&state)).await;
        assert_eq!(response.status(), Some(S::NO_SUCH_ACTION), "{class} {number}");
    }
    for (class, field) in [
        (PULL, CommandField::NCreate),
        (QUERY, CommandField::NGet),
        (WATCH, CommandField::NSet),
        (PUSH, CommandField::NSet),
    ] {
        let (response, _) = program.0.normalized(field, &uid(class), |c| c, None).await.unwrap();
        assert_eq!(response.status(), Some(S::SOP_CLASS_NOT_SUPPORTED), "{class} {field:?}");
    }
    let of_images = |command: CommandSet| {
        command
            .with_uid(element::REQUESTED_SOP_CLASS_UID, &uid(uids::CT_IMAGE_STORAGE))
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &one)
    };
    let (response, _) = program.0.normalized(CommandField::NGet, &uid(PULL), of_images, None).await.unwrap();
    assert_eq!(response.status(), Some(S::CLASS_INSTANCE_CONFLICT));

    let bad = with(&[(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "yesterday")]);
    assert_eq!(program.find(PULL, &bad).await, (vec![], S::DATA_SET_MISMATCH));
    // A key that is not matched is told of, and restricts nothing.
    let unmatched = with(&[(tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP, "x")]);
    let class = uid(QUERY);
    let mut answers = program.0.find(&class, &unmatched).await.unwrap();
    assert!(answers.next().await.unwrap().is_some());
    assert_eq!(answers.status(), S::PENDING_KEYS_UNSUPPORTED);
    assert_eq!(answers.all().await.unwrap().1, S::SUCCESS);
    assert_eq!(program.get(PULL, &one, &[]).await.0.status(), Some(S::SUCCESS));
    program.release().await;
    server.stop().await;
}

/// The rights and limits of a device, and its letters.
#[tokio::test]
async fn a_device_sees_its_facility_as_far_as_it_may() {
    let server = Harness::start().await;
    let mut device = Device::named(ae("TEST"));
    device.facility = Some("BVTW".into());
    device.character_set = CharacterSet::named("ISO_IR 100");
    device.rules.max_answers = Some(2);
    devices::upsert(server.archive.database(), &device).await.unwrap();
    let elsewhere = Actor::device(&ae("OTHER"), Some("BVH"));
    let asker = ups::Asker { actor: &elsewhere, default_facility: "BVH", now_ms: 1 };
    ups::create(server.archive.database(), &asker, step("other"), Some(&uid("1.9"))).await.unwrap();
    let mut program = Program::connect(&server).await;
    for number in 1..=3 {
        let mut set = step("x");
        set.put_text(tags::PATIENT_NAME, "NGUYỄN^VĂN A");
        program.create(Some(&format!("1.{number}")), Some(&set)).await;
    }
    assert_eq!(program.get(PULL, &uid("1.9"), &[]).await.0.status(), Some(Status::UPS_UNKNOWN));
    assert_eq!(program.change_state(&uid("1.9"), "IN PROGRESS", Some("1.5")).await, Status::UPS_UNKNOWN);
    let mut keys = with(&[(tags::PATIENT_NAME, "nguyen van a")]);
    keys.put_empty(tags::SOP_INSTANCE_UID);
    let (found, status) = program.find(PULL, &keys).await;
    assert_eq!((found.len(), status), (2, Status::OUT_OF_RESOURCES), "no more than it may have");
    assert_eq!(found[0].text(tags::PATIENT_NAME).as_deref(), Some("NGUYEN^VAN A"));
    assert_eq!(found[0].uid(tags::SOP_INSTANCE_UID), Some(Ok(uid("1.3"))), "the newest first");
    program.release().await;
    server.stop().await;
}

/// However many there are: they come while they are read, and stop when nobody wants them any more.
#[tokio::test]
async fn a_search_is_cancelled() {
    let server = Harness::start().await;
    let system = Actor::system();
    let asker = ups::Asker { actor: &system, default_facility: "BVTW", now_ms: 1 };
    // More than lies on the way between two sockets, or all have been sent when the request to cancel comes.
    let comments = Tag(0x0040, 0x0400);
    for _ in 0..600 {
        let mut step = step("x");
        step.put_text(comments, &"x".repeat(10_000));
        ups::create(server.archive.database(), &asker, step, None).await.unwrap();
    }
    let mut program = Program::connect(&server).await;
    let class = uid(PULL);
    let mut keys = DataSet::new();
    keys.put_empty(tags::SOP_INSTANCE_UID);
    keys.put_empty(comments);
    let mut answers = program.0.find(&class, &keys).await.unwrap();
    assert!(answers.next().await.unwrap().is_some());
    answers.cancel().await.unwrap();
    let (rest, status) = answers.all().await.unwrap();
    assert_eq!(status, Status::CANCEL, "after {} more", rest.len());
    assert_eq!(program.find(PULL, &keys).await.0.len(), 600);
    program.release().await;
    server.stop().await;
}
