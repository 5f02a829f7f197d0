//! What comes between the reading of headers and what is written of them, and headers that cannot be read: nothing that
//! nobody has looked at answers a question.

use pacs_core::access::Scope;
use pacs_core::reconciliation::{Kind, Serve};
use pacs_core::tags;
use storage::corrections::{Target, What};
use storage::reconciliation::{Discrepancy, State};
use storage::{Archive, Config, Error};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::correct;
use crate::deleting::delete;
use crate::faults::{Call, watched};
use crate::moving::{move_, names};
use crate::rebuilding::with_empty_rows;
use crate::reconciling::{A, OTHER, image, line, listed, only};
use crate::rejecting::{one, reject, restore, study};
use crate::samples::*;
use crate::saying::{both, naming, send_again};

on_every_backend!(
    an_image_that_comes_while_others_are_moved_out_keeps_the_question,
    a_rejected_image_keeps_the_question_when_others_are_moved_out,
    images_are_moved_out_of_a_study_that_cannot_be_read,
    an_image_that_comes_while_a_study_is_read_is_heard,
    a_rejected_image_keeps_what_waits_of_its_study,
    a_rejected_image_that_names_another_study_leaves_as_it_is_filed,
    what_a_store_that_was_away_kept_from_being_said_is_said_later,
    an_index_made_anew_hides_what_was_rejected_whatever_cannot_be_read,
    a_study_that_is_deleted_while_an_index_is_made_anew_keeps_nothing_from_it,
);

async fn open_serving_newest(home: &Home) -> Archive {
    home.open_as(Config { serve: Serve::Newest, ..home.config.clone() }).await.unwrap()
}

async fn settle(home: &Home, archive: &Archive) {
    home.rest();
    archive.settle_due().await.unwrap();
}

/// The two patients in one study, where somebody is asked about them.
async fn two_patients(archive: &Archive) -> Option<Discrepancy> {
    listed(archive, State::Open).await.into_iter().find(|one| one.kind == Kind::TwoPatients)
}

/// Study 1 with images of two patients, in packs, and a study of the second one.
async fn mixed(home: &Home, archive: &Archive) -> [Instance; 3] {
    let sent = [image("1", 1, A, ""), image("1", 2, OTHER, ""), image("2", 1, OTHER, "")];
    send_all(archive, &sent).await;
    settle(home, archive).await;
    sent
}

async fn move_out(archive: &Archive, which: &Instance, to: &Instance) {
    let which = What::Instances(vec![which.uid.clone()]);
    move_(archive, &uid("1.2.1"), which, Target::Study(to.study.clone())).await;
}

async fn an_image_that_comes_while_others_are_moved_out_keeps_the_question(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    let sent = mixed(&home, &archive).await;
    let found = only(&archive, Kind::TwoPatients).await;
    home.rest();
    let mut reading = store.hold(Call::Read, "/1.2.1/");
    let late = async {
        reading.reached().await;
        send_all(&archive, &[image("1", 3, OTHER, "")]).await;
        reading.go();
    };
    tokio::join!(move_out(&archive, &sent[1], &sent[2]), late);
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id, "it names the other patient too");
    assert!(line(&archive, "1").await.doubt.is_some());
    archive.close().await;
}

async fn a_rejected_image_keeps_the_question_when_others_are_moved_out(home: Home) {
    let archive = home.open().await;
    let sent = mixed(&home, &archive).await;
    let rejected = image("1", 3, OTHER, "");
    send_all(&archive, std::slice::from_ref(&rejected)).await;
    let found = only(&archive, Kind::TwoPatients).await;
    reject(&archive, one(&rejected)).await;
    home.rest();
    move_out(&archive, &sent[1], &sent[2]).await;
    restore(&archive, one(&rejected)).await;
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id, "it names the other patient too");
    assert!(line(&archive, "1").await.doubt.is_some());
    archive.close().await;
}

async fn images_are_moved_out_of_a_study_that_cannot_be_read(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    let sent = mixed(&home, &archive).await;
    let found = only(&archive, Kind::TwoPatients).await;
    home.rest();
    store.refuse(Call::Read, &["/1.2.1/"]);
    move_out(&archive, &sent[1], &sent[2]).await;
    assert_eq!(names(&archive, &sent[2]).await[0], "1.2.2");
    assert_eq!(line(&archive, "2").await.instance_count, 2);
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id, "nobody knows what the rest says");
    archive.close().await;
}

async fn an_image_that_comes_while_a_study_is_read_is_heard(home: Home) {
    let (home, store) = watched(home);
    let archive = open_serving_newest(&home).await;
    send_all(&archive, &both(A, "first")).await;
    settle(&home, &archive).await;
    send_again(&archive, &both(OTHER, "second")).await;
    let found = two_patients(&archive).await.unwrap();
    let mut reading = store.hold(Call::Read, "/1.2.1/");
    let late = async {
        reading.reached().await;
        send_all(&archive, &[image("1", 3, A, "")]).await;
        reading.go();
    };
    tokio::join!(settle(&home, &archive), late);
    assert_eq!(
        two_patients(&archive).await.map(|open| open.id),
        Some(found.id),
        "two of three are another's"
    );
    assert_eq!(line(&archive, "1").await.patient.id, "P1");
    // With the last of them all are the other's.
    home.rest();
    send_again(&archive, &[image("1", 3, OTHER, "second")]).await;
    settle(&home, &archive).await;
    assert_eq!(line(&archive, "1").await.patient.id, "P2");
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}

async fn a_rejected_image_keeps_what_waits_of_its_study(home: Home) {
    let archive = open_serving_newest(&home).await;
    let rejected = image("1", 2, OTHER, "");
    send_all(&archive, &[image("1", 1, A, "first"), rejected.clone()]).await;
    let found = only(&archive, Kind::TwoPatients).await;
    reject(&archive, one(&rejected)).await;
    settle(&home, &archive).await;
    send_again(&archive, &[image("1", 1, A, "second")]).await;
    settle(&home, &archive).await;
    restore(&archive, one(&rejected)).await;
    assert_eq!(two_patients(&archive).await.map(|open| open.id), Some(found.id));
    archive.close().await;
}

async fn a_rejected_image_that_names_another_study_leaves_as_it_is_filed(home: Home) {
    let archive = open_serving_newest(&home).await;
    let rejected = naming(2, "", &[(tags::STUDY_INSTANCE_UID, "1.2.7")]);
    send_all(&archive, &[image("1", 1, A, "first"), rejected.clone()]).await;
    reject(&archive, one(&rejected)).await;
    settle(&home, &archive).await;
    send_again(&archive, &[image("1", 1, A, "second")]).await;
    settle(&home, &archive).await;
    restore(&archive, one(&rejected)).await;
    assert_eq!(names(&archive, &rejected).await[..2], ["1.2.1", "1.2.1.1"]);
    archive.close().await;
}

async fn what_a_store_that_was_away_kept_from_being_said_is_said_later(home: Home) {
    let (home, store) = watched(home);
    let archive = open_serving_newest(&home).await;
    send_all(&archive, &both(A, "first")).await;
    settle(&home, &archive).await;
    send_again(&archive, &both(OTHER, "second")).await;
    home.rest();
    store.refuse(Call::Read, &["packs/"]);
    let settled = archive.settle_due().await;
    assert!(matches!(settled, Err(Error::Unavailable(_))), "{settled:?}");
    assert!(home.segments().is_empty(), "the pack was written");
    assert_eq!(line(&archive, "1").await.patient.id, "P1");
    store.refuse(Call::Read, &[]);
    archive.settle_due().await.unwrap();
    assert_eq!(line(&archive, "1").await.patient.id, "P2");
    only(&archive, Kind::Conflict).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_kept_from_being_said_is_said_later() {
    let (home, store) = watched(Home::embedded());
    let archive = open_serving_newest(&home).await;
    send_all(&archive, &both(A, "first")).await;
    settle(&home, &archive).await;
    send_again(&archive, &both(OTHER, "second")).await;
    home.rest();
    let mut written = store.hold(Call::Written, ".json.gz");
    let settling = tokio::spawn({
        let archive = archive.clone();
        async move { archive.settle_due().await }
    });
    written.reached().await;
    settling.abort();
    assert!(settling.await.unwrap_err().is_cancelled());
    drop(archive);
    let archive = open_serving_newest(&home).await;
    assert!(home.segments().is_empty(), "the start has finished the pack");
    archive.settle_due().await.unwrap();
    assert_eq!(line(&archive, "1").await.patient.id, "P2");
    archive.close().await;
}

async fn an_index_made_anew_hides_what_was_rejected_whatever_cannot_be_read(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    send_all(&archive, &both(A, "first")).await;
    let sent = [image("3", 1, A, ""), image("3", 2, OTHER, ""), image("4", 1, OTHER, "")];
    send_all(&archive, &sent).await;
    let bad = image("2", 1, OTHER, "");
    send_all(&archive, std::slice::from_ref(&bad)).await;
    settle(&home, &archive).await;
    send_again(&archive, &[image("1", 1, A, "second")]).await;
    let which = What::Instances(vec![sent[1].uid.clone()]);
    move_(&archive, &sent[0].study, which, Target::Study(sent[2].study.clone())).await;
    correct(&archive, &sent[2], &[("PatientName", "TRAN^THI BE")]).await;
    reject(&archive, study(&bad)).await;
    settle(&home, &archive).await;
    archive.tidy().await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    // One has several contents, of the other images were moved away.
    store.refuse(Call::Read, &["/1.2.1/", "/1.2.3/"]);
    archive.reindex(|_| {}).await.unwrap();
    assert!(archive.locate_study(&Scope::All, &bad.study).await.unwrap().is_empty());
    assert_eq!(line(&archive, "4").await.patient.name, "TRAN^THI BE");
    assert!(two_patients(&archive).await.is_some(), "nobody knows what the rest of it says");
    store.refuse(Call::Read, &[]);
    archive.reindex(|_| {}).await.unwrap();
    assert!(two_patients(&archive).await.is_none());
    archive.close().await;
}

async fn a_study_that_is_deleted_while_an_index_is_made_anew_keeps_nothing_from_it(home: Home) {
    let (home, store) = watched(home);
    let archive = open_serving_newest(&home).await;
    let sent = both(A, "first");
    send_all(&archive, &sent).await;
    send_all(&archive, &[image("2", 1, A, "first")]).await;
    settle(&home, &archive).await;
    send_again(&archive, &both(OTHER, "second")).await;
    send_again(&archive, &[image("2", 1, OTHER, "second")]).await;
    settle(&home, &archive).await;
    archive.close().await;
    drop(archive);

    // Nothing is remembered of what it reads to say what is served.
    let archive = open_serving_newest(&home).await;
    let mut reading = store.hold(Call::Read, ".tar");
    let deleting = async {
        reading.reached().await;
        delete(&archive, study(&sent[0])).await;
        reading.go();
    };
    let (made, ()) = tokio::join!(archive.reindex(|_| {}), deleting);
    made.unwrap();
    assert!(archive.locate_study(&Scope::All, &sent[0].study).await.unwrap().is_empty());
    assert_eq!(line(&archive, "2").await.patient.id, "P2");
    archive.close().await;
}
