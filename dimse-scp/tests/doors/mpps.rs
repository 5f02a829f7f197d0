//! Performed procedure steps through a real listener: what a console reports, and what it is answered
//! when it reports nonsense.

use crate::support::{Harness, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::{Association, Proposal};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};

const STATUS: Tag = tags::PERFORMED_PROCEDURE_STEP_STATUS;

async fn console(server: &Harness) -> Association {
    let propose = |class: &str| Proposal::new(uid(class), vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)]);
    let classes = [uids::MODALITY_PERFORMED_PROCEDURE_STEP, uids::MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE];
    server.connect(&classes.map(propose)).await
}

fn with(values: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
    set
}

fn begun() -> DataSet {
    let mut set = with(&[
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "0815"),
        (STATUS, "IN PROGRESS"),
        (tags::MODALITY, "CT"),
    ]);
    let request = with(&[(tags::STUDY_INSTANCE_UID, "1.2.3")]);
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    set
}

fn completed() -> DataSet {
    let mut set = with(&[
        (STATUS, "COMPLETED"),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "0830"),
    ]);
    let series = with(&[(tags::SERIES_INSTANCE_UID, "1.2.3.1"), (tags::PROTOCOL_NAME, "Ngực")]);
    set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
    set
}

async fn create(console: &mut Association, instance: Option<&str>, set: Option<&DataSet>) -> CommandSet {
    let class = uid(uids::MODALITY_PERFORMED_PROCEDURE_STEP);
    let complete = |command: CommandSet| {
        let command = command.with_uid(element::AFFECTED_SOP_CLASS_UID, &class);
        match instance {
            Some(instance) => command.with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid(instance)),
            None => command,
        }
    };
    console.normalized(CommandField::NCreate, &class, complete, set).await.unwrap().0
}

async fn set(console: &mut Association, instance: &Uid, set: &DataSet) -> CommandSet {
    let class = uid(uids::MODALITY_PERFORMED_PROCEDURE_STEP);
    let complete = |command: CommandSet| {
        command
            .with_uid(element::REQUESTED_SOP_CLASS_UID, &class)
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, instance)
    };
    console.normalized(CommandField::NSet, &class, complete, Some(set)).await.unwrap().0
}

async fn get(console: &mut Association, instance: &Uid, asked: &[Tag]) -> (CommandSet, Option<DataSet>) {
    let class = uid(uids::MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE);
    let complete = |command: CommandSet| {
        let command = command
            .with_uid(element::REQUESTED_SOP_CLASS_UID, &class)
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, instance);
        if asked.is_empty() { command } else { command.with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, asked) }
    };
    console.normalized(CommandField::NGet, &class, complete, None).await.unwrap()
}

#[tokio::test]
async fn a_step_is_made_changed_and_read() {
    let server = Harness::start().await;
    let mut console = console(&server).await;
    let response = create(&mut console, Some("9.1"), Some(&begun())).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE_UID), Some(uid("9.1")));
    let step = uid("9.1");
    let response = set(&mut console, &step, &completed()).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE_UID), Some(step.clone()));
    let (response, all) = get(&mut console, &step, &[]).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    let all = all.unwrap();
    assert_eq!(all.text(STATUS).as_deref(), Some("COMPLETED"));
    assert_eq!(all.text(tags::PATIENT_NAME).as_deref(), Some("NGUYỄN^VĂN A"));
    let series = &all.items(tags::PERFORMED_SERIES_SEQUENCE)[0];
    assert_eq!(series.text(tags::PROTOCOL_NAME).as_deref(), Some("Ngực"));
    let (response, some) = get(&mut console, &step, &[STATUS]).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    assert!(!some.unwrap().contains(tags::PATIENT_NAME), "not asked for");
    let (response, some) = get(&mut console, &step, &[STATUS, tags::PATIENT_WEIGHT]).await;
    assert_eq!(response.status(), Some(Status::OPTIONAL_ATTRIBUTES_UNSUPPORTED));
    assert_eq!(response.tags(element::ATTRIBUTE_IDENTIFIER_LIST), [tags::PATIENT_WEIGHT]);
    assert!(some.unwrap().contains(STATUS));
    console.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_step_without_a_uid_gets_one() {
    let server = Harness::start().await;
    let mut console = console(&server).await;
    let response = create(&mut console, None, Some(&begun())).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    let step = response.uid(element::AFFECTED_SOP_INSTANCE_UID).unwrap();
    assert_eq!(set(&mut console, &step, &completed()).await.status(), Some(Status::SUCCESS));
    console.release().await.unwrap();
    server.stop().await;
}

/// Every refusal comes at once, with its status, and the association goes on.
#[tokio::test]
async fn nonsense_is_refused_and_the_association_goes_on() {
    let server = Harness::start().await;
    let mut console = console(&server).await;
    let without = |tag: Tag| {
        let mut set = begun();
        set.remove(tag);
        set
    };
    let changed = |tag: Tag, value: &str| {
        let mut set = begun();
        set.put_text(tag, value);
        set
    };
    for (set, status) in [
        (without(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE), Status::MISSING_ATTRIBUTE),
        (without(tags::PERFORMED_PROCEDURE_STEP_ID), Status::MISSING_ATTRIBUTE),
        (changed(tags::MODALITY, ""), Status::MISSING_ATTRIBUTE_VALUE),
        (changed(STATUS, "COMPLETED"), Status::INVALID_ATTRIBUTE_VALUE),
        (changed(tags::PERFORMED_PROCEDURE_STEP_START_DATE, "now"), Status::INVALID_ATTRIBUTE_VALUE),
    ] {
        let response = create(&mut console, Some("9.1"), Some(&set)).await;
        assert_eq!(response.status(), Some(status));
        assert_eq!(response.tags(element::ATTRIBUTE_IDENTIFIER_LIST).len(), 1);
    }
    assert_eq!(create(&mut console, Some("9.1"), None).await.status(), Some(Status::INVALID_ARGUMENT));
    let step = uid("9.1");
    assert_eq!(set(&mut console, &step, &completed()).await.status(), Some(Status::NO_SUCH_INSTANCE));
    assert_eq!(get(&mut console, &step, &[]).await.0.status(), Some(Status::NO_SUCH_INSTANCE));
    assert_eq!(create(&mut console, Some("9.1"), Some(&begun())).await.status(), Some(Status::SUCCESS));
    let again = create(&mut console, Some("9.1"), Some(&begun())).await;
    assert_eq!(again.status(), Some(Status::DUPLICATE_INSTANCE));
    for (sent, status) in [
        (with(&[(tags::PATIENT_NAME, "TRẦN^B")]), Status::NO_SUCH_ATTRIBUTE),
        (with(&[(STATUS, "DONE")]), Status::INVALID_ATTRIBUTE_VALUE),
        (with(&[(STATUS, "COMPLETED")]), Status::MISSING_ATTRIBUTE_VALUE),
    ] {
        assert_eq!(set(&mut console, &step, &sent).await.status(), Some(status));
    }
    assert_eq!(set(&mut console, &step, &completed()).await.status(), Some(Status::SUCCESS));
    for late in [completed(), with(&[(STATUS, "DISCONTINUED")]), with(&[(STATUS, "IN PROGRESS")])] {
        let response = set(&mut console, &step, &late).await;
        assert_eq!(response.status(), Some(Status::PROCESSING_FAILURE));
        assert_eq!(response.number(element::ERROR_ID), Some(0xa506));
        let comment = response.text(element::ERROR_COMMENT);
        assert_eq!(comment.as_deref(), Some("Performed Procedure Step Object may no longer be updated"));
    }
    // An operation of another service in this context.
    let class = uid(uids::MODALITY_PERFORMED_PROCEDURE_STEP);
    let (response, _) = console.normalized(CommandField::NAction, &class, |c| c, None).await.unwrap();
    assert_eq!(response.status(), Some(Status::SOP_CLASS_NOT_SUPPORTED));
    let (response, all) = get(&mut console, &step, &[]).await;
    assert_eq!(response.status(), Some(Status::SUCCESS));
    assert_eq!(all.unwrap().text(STATUS).as_deref(), Some("COMPLETED"));
    console.release().await.unwrap();
    server.stop().await;
}
