//! Documents that reject images (IHE RAD TF-2 4.66): what they name, and what comes after them.

use pacs_core::dataset::DataSet;
use pacs_core::{tags, uids};
use storage::{Decision, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::deleting::{assert_gone, delete};
use crate::moving::in_series;
use crate::rebuilding::made_anew;
use crate::rejecting::{one, reject, restore, study};
use crate::samples::*;

on_every_backend!(
    a_document_rejects_what_it_names,
    a_document_rejects_what_comes_after_it,
    what_a_document_awaits_ends_with_it_and_in_time,
    each_of_two_documents_awaits_for_itself,
    what_documents_await_outlives_the_rows,
    what_is_restored_with_its_series_or_study_stays_so_when_rows_are_made_anew,
);

/// A key object document that rejects these for their quality.
fn rejecting(rejected: &[&Instance]) -> Instance {
    rejecting_by(1, rejected)
}

/// One of several such documents.
fn rejecting_by(number: u32, rejected: &[&Instance]) -> Instance {
    let referenced = |instance: &&Instance| {
        let mut item = DataSet::new();
        item.put_uid(tags::REFERENCED_SOP_INSTANCE_UID, &instance.uid);
        item
    };
    let mut series = DataSet::new();
    series.put_items(tags::REFERENCED_SOP_SEQUENCE, rejected.iter().map(referenced).collect());
    let mut evidence = DataSet::new();
    evidence.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    let mut title = DataSet::new();
    title.put_text(tags::CODE_VALUE, "113001");
    title.put_text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
    let class = uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE;
    let mut document = numbered(
        ("61", number),
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        |set| {
            set.put_text(tags::SOP_CLASS_UID, class);
            set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![title]);
            set.put_items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![evidence]);
        },
        &[],
    );
    document.class = uid(class);
    document
}

async fn a_document_rejects_what_it_names(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let document = rejecting(&[&sent[0], &sent[2]]);
    home.clock.set_ms(home.clock.now_ms() + 1);
    send_all(&archive, std::slice::from_ref(&document)).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 2);
    assert_gone(&archive, &[sent[0].clone(), sent[2].clone()]).await;
    assert_whole(&archive, &[sent[1].clone(), document.clone()]).await;
    let act = &storage::acts::of_study(archive.database(), sent[0].study.as_str(), 1).await.unwrap()[0].0;
    assert_eq!((act.kind.as_str(), act.actor.as_str()), ("instance.reject", "device:CT1"));
    // What a person has restored stays so, also when the document is sent again.
    home.clock.set_ms(home.clock.now_ms() + 1);
    restore(&archive, one(&sent[0])).await;
    assert_eq!(send(&archive, &document).await.unwrap().decision, Decision::Duplicate);
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    assert_whole(&archive, &sent[..2]).await;
    archive.close().await;
}

async fn a_document_rejects_what_comes_after_it(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..1]).await;
    send_all(&archive, &[rejecting(&[&sent[0], &sent[1], &sent[2]])]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1, "the others are to come");
    send_all(&archive, &sent[1..2]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    assert_gone(&archive, &sent[..2]).await;
    // A look at what was on its way finds nothing, and a start does not forget.
    home.rest();
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    archive.close().await;
    drop(archive);
    let archive = home.open().await;
    send_all(&archive, &sent[2..]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    assert_gone(&archive, &sent).await;
    // Restored by a person, it stays.
    home.rest();
    restore(&archive, one(&sent[2])).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    assert_whole(&archive, &sent[2..]).await;
    archive.close().await;
}

const DAY_MS: i64 = 86_400_000;

async fn what_a_document_awaits_ends_with_it_and_in_time(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..1]).await;
    // One that was sent by mistake, and deleted.
    let mistaken = rejecting(&[&sent[1]]);
    send_all(&archive, std::slice::from_ref(&mistaken)).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    home.rest();
    delete(&archive, one(&mistaken)).await;
    send_all(&archive, &sent[1..2]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    // What it rejects does not come for a month.
    home.rest();
    send_all(&archive, &[rejecting(&[&sent[2]])]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    home.rest();
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    home.clock.set_ms(home.clock.now_ms() + 31 * DAY_MS);
    archive.pass_time().await.unwrap();
    send_all(&archive, &sent[2..]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

async fn each_of_two_documents_awaits_for_itself(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..1]).await;
    // The second is a mistake of somebody, who takes it back; of the others' images it is the only one.
    let documents = [rejecting_by(1, &[&sent[1]]), rejecting_by(2, &[&sent[1], &sent[2]])];
    for document in &documents {
        send_all(&archive, std::slice::from_ref(document)).await;
        assert_eq!(archive.reject_noted().await.unwrap(), 0);
        home.clock.set_ms(home.clock.now_ms() + 1);
    }
    assert_eq!(reject(&archive, one(&documents[1])).await, 1);
    // Each has looked once more for what was on its way.
    home.rest();
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    send_all(&archive, &sent[1..]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1, "the first still says so");
    assert_gone(&archive, &sent[1..2]).await;
    assert_whole(&archive, &[sent[0].clone(), sent[2].clone()]).await;
    archive.close().await;
}

async fn what_documents_await_outlives_the_rows(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent[..1]).await;
    send_all(&archive, &[rejecting(&[&sent[0], &sent[1], &sent[2]])]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    home.rest();
    restore(&archive, one(&sent[0])).await;
    let (home, archive) = made_anew(home, archive).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0, "what a person has restored stays so");
    send_all(&archive, &sent[1..2]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    assert_whole(&archive, &sent[..1]).await;
    assert_gone(&archive, &sent[1..2]).await;
    // After a month nothing is awaited.
    home.clock.set_ms(home.clock.now_ms() + 31 * DAY_MS);
    let (_home, archive) = made_anew(home, archive).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    send_all(&archive, &sent[2..]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0);
    assert_whole(&archive, &sent[2..]).await;
    archive.close().await;
}

async fn what_is_restored_with_its_series_or_study_stays_so_when_rows_are_made_anew(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    let sent =
        [sent[0].clone(), sent[1].clone(), in_series(&sent[2], "1.2.77.1"), in_series(&sent[3], "1.2.77.1")];
    send_all(&archive, &sent).await;
    let other = slices(2, 2);
    send_all(&archive, &other).await;
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    let series = |instance: &Instance| Subject::Series(instance.series.clone());
    assert_eq!(reject(&archive, series(&sent[0])).await, 2);
    assert_eq!(reject(&archive, study(&other[0])).await, 2);
    tick();
    // Its document finds all hidden but one of a series that nobody has decided on, and says nothing of that.
    send_all(&archive, &[rejecting(&[&sent[0], &sent[2], &other[0]])]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    tick();
    restore(&archive, series(&sent[0])).await;
    restore(&archive, study(&other[0])).await;
    let shown = [&sent[..2], &sent[3..], &other[..]].concat();
    assert_whole(&archive, &shown).await;
    let (home, archive) = made_anew(home, archive).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 0, "what a person has restored stays so");
    assert_whole(&archive, &shown).await;
    assert_gone(&archive, &sent[2..3]).await;
    // One that comes after it is none of what was restored.
    home.clock.set_ms(home.clock.now_ms() + 1);
    send_all(&archive, &[rejecting_by(2, &[&sent[1]])]).await;
    assert_eq!(archive.reject_noted().await.unwrap(), 1);
    assert_gone(&archive, &sent[1..2]).await;
    archive.close().await;
}
