//! What waits of a study rests on what it says: where that is mended, nobody is asked of two strangers.

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::reconciliation::{Answer, Kind};
use pacs_core::{tags, uids};
use storage::corrections::{Target, What};
use storage::exams::search;
use storage::identity::assigning::{self, Owner};
use storage::identity::merging;
use storage::reconciliation::State;
use storage::{Archive, Error};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::correct;
use crate::moving::{move_, undo_newest};
use crate::rebuilding::made_anew;
use crate::reconciling::{A, OTHER, answer, image, line, listed, only, reopen, send_from};
use crate::samples::*;

on_every_backend!(
    a_corrected_number_is_shared_no_more,
    a_corrected_accession_number_is_shared_no_more,
    images_that_were_moved_out_say_nothing_of_the_study,
    two_persons_under_one_number_in_one_study_are_parted,
    a_record_that_was_made_since_is_the_other_patients,
    what_was_said_last_of_whose_a_study_is_counts,
    one_number_of_two_issuers_is_two_patients,
);

const B: (&str, &str) = ("P1", "Trần^Thị B");

/// As `archive` has it without a moment's rest: acts follow each other in time.
async fn correct_later(home: &Home, archive: &Archive, instance: &Instance, values: &[(&str, &str)]) {
    home.rest();
    correct(archive, instance, values).await;
}

async fn a_corrected_number_is_shared_no_more(home: Home) {
    let archive = home.open().await;
    let sent = image("2", 1, B, "");
    send_from(&archive, "A", &image("1", 1, A, "")).await;
    send_from(&archive, "B", &sent).await;
    let found = only(&archive, Kind::SharedIdentifier).await;
    correct_later(&home, &archive, &sent, &[("PatientName", "TRAN^THI BE")]).await;
    assert_eq!(only(&archive, Kind::SharedIdentifier).await.id, found.id, "it has that number still");
    correct_later(&home, &archive, &sent, &[("PatientID", "456")]).await;
    assert!(listed(&archive, State::Open).await.is_empty());
    assert!(line(&archive, "2").await.doubt.is_none());
    let merged = answer(&archive, found.id, (Answer::SamePerson, None)).await;
    assert!(matches!(merged, Err(Error::Conflict(_))), "two strangers are not merged: {merged:?}");
    home.rest();
    undo_newest(&archive, &sent.study).await;
    assert_eq!(only(&archive, Kind::SharedIdentifier).await.id, found.id);
    // Given to somebody else by hand, it says nothing of that one.
    send_from(&archive, "B", &image("3", 1, ("P9", "LE^VAN D"), "")).await;
    let given = line(&archive, "3").await.patient_id;
    home.rest();
    give(&archive, "1.2.2", Owner::Known(given)).await;
    assert!(listed(&archive, State::Open).await.is_empty());
    archive.close().await;
}

async fn give(archive: &Archive, study: &str, owner: Owner) {
    let now_ms = archive.config().clock.now_ms();
    let (scope, actor) = (Scope::All, Actor::system());
    assigning::assign(archive.database(), &scope, &actor, &uid(study), owner, None, now_ms).await.unwrap();
}

fn with_accession(study: &str, (id, name): (&str, &str), number: &str) -> Instance {
    let put = |set: &mut DataSet| {
        set.put_text(tags::PATIENT_ID, id);
        set.put_text(tags::PATIENT_NAME, name);
        set.put_text(tags::ACCESSION_NUMBER, number);
    };
    numbered((study, 1), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
}

async fn a_corrected_accession_number_is_shared_no_more(home: Home) {
    let archive = home.open().await;
    let sent = with_accession("2", OTHER, "ACC0");
    send_all(&archive, &[with_accession("1", A, "ACC0"), sent.clone()]).await;
    only(&archive, Kind::SharedAccession).await;
    correct_later(&home, &archive, &sent, &[("AccessionNumber", "ACC7")]).await;
    assert!(listed(&archive, State::Open).await.is_empty());
    home.rest();
    undo_newest(&archive, &sent.study).await;
    only(&archive, Kind::SharedAccession).await;
    archive.close().await;
}

async fn images_that_were_moved_out_say_nothing_of_the_study(home: Home) {
    let archive = home.open().await;
    let sent =
        [image("1", 1, A, ""), image("1", 2, OTHER, ""), image("1", 3, OTHER, ""), image("2", 1, OTHER, "")];
    send_all(&archive, &sent).await;
    let found = only(&archive, Kind::TwoPatients).await;
    let move_out = async |which: &Instance| {
        home.rest();
        let to = Target::Study(sent[3].study.clone());
        move_(&archive, &sent[0].study, What::Instances(vec![which.uid.clone()]), to).await;
    };
    move_out(&sent[1]).await;
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id, "one of them is there still");
    move_out(&sent[2]).await;
    assert!(listed(&archive, State::Open).await.is_empty());
    assert!(line(&archive, "1").await.doubt.is_none());
    home.rest();
    undo_newest(&archive, &sent[0].study).await;
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id);
    move_out(&sent[2]).await;
    // One that comes late is there again.
    send_all(&archive, &[image("1", 4, OTHER, "")]).await;
    only(&archive, Kind::TwoPatients).await;
    archive.close().await;
}

async fn two_persons_under_one_number_in_one_study_are_parted(home: Home) {
    let archive = home.open().await;
    let sent = [image("1", 1, A, ""), image("1", 2, B, "")];
    send_all(&archive, &sent).await;
    let found = only(&archive, Kind::DemographicsDiffer).await;
    assert_eq!(found.answers, [Answer::SamePerson, Answer::Part, Answer::LeaveApart]);
    answer(&archive, found.id, (Answer::LeaveApart, None)).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    home.rest();
    reopen(&archive, found.id).await.unwrap();
    home.rest();
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();
    // The part is filed with A by its number, and asks whose it is.
    let waits = only(&archive, Kind::DemographicsDiffer).await;
    let made = waits.study.uid.clone();
    assert_ne!(made, sent[0].study);
    assert_eq!(waits.answers, [Answer::SamePerson, Answer::NewPatient, Answer::OtherPatient]);
    home.rest();
    answer(&archive, waits.id, (Answer::NewPatient, None)).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    let of = async |archive: &Archive| {
        let made = search::study(archive.database(), &Scope::All, &made).await.unwrap().unwrap();
        (made.patient_id == line(archive, "1").await.patient_id, made.instance_count)
    };
    assert_eq!(of(&archive).await, (false, 1));
    let (_home, archive) = made_anew(home, archive).await;
    assert_eq!(of(&archive).await, (false, 1));
    assert_eq!(line(&archive, "1").await.patient.name, A.1, "whoever was indexed first");
    assert!(listed(&archive, State::Open).await.is_empty());
    archive.close().await;
}

async fn a_record_that_was_made_since_is_the_other_patients(home: Home) {
    let archive = home.open().await;
    let (seven, eight) = (("P7", A.1), ("P8", A.1));
    send_all(&archive, &[image("3", 1, seven, ""), image("3", 2, eight, "")]).await;
    let found = only(&archive, Kind::TwoPatients).await;
    assert!(found.other.patient.is_none());
    send_all(&archive, &[image("4", 1, eight, "")]).await;
    let (own, other) = (line(&archive, "3").await.patient_id, line(&archive, "4").await.patient_id);
    assert_ne!(own, other);
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    assert_eq!(line(&archive, "4").await.patient_id, line(&archive, "3").await.patient_id);
    reopen(&archive, found.id).await.unwrap();
    assert_eq!(line(&archive, "4").await.patient_id, other);
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id);
    // Merged on the imaging record, it is answered there; and parted again it waits.
    let (scope, actor) = (Scope::All, Actor::system());
    merging::merge(archive.database(), &scope, &actor, (other, own), None, 1).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    merging::unmerge(archive.database(), &scope, &actor, other, None, 1).await.unwrap();
    only(&archive, Kind::TwoPatients).await;
    archive.close().await;
}

async fn what_was_said_last_of_whose_a_study_is_counts(home: Home) {
    let archive = home.open().await;
    let sent = image("1", 1, A, "");
    send_all(
        &archive,
        &[sent.clone(), image("3", 1, ("P3", "LE^VAN C"), ""), image("9", 1, ("P9", "DO^THI H"), "")],
    )
    .await;
    let whose = async |archive: &Archive, study: &str| line(archive, study).await.patient_id;
    let (third, ninth) = (whose(&archive, "3").await, whose(&archive, "9").await);
    home.rest();
    give(&archive, "1.2.1", Owner::Known(third)).await;
    correct_later(&home, &archive, &sent, &[("PatientName", "LE^VAN C")]).await;
    assert_eq!(whose(&archive, "1").await, third, "a name says nothing of whose it is");
    correct_later(&home, &archive, &sent, &[("PatientID", "P9")]).await;
    assert_eq!(whose(&archive, "1").await, ninth);
    home.rest();
    undo_newest(&archive, &sent.study).await;
    assert_eq!(whose(&archive, "1").await, third);
    correct_later(&home, &archive, &sent, &[("PatientID", "P9")]).await;
    let (home, archive) = made_anew(home, archive).await;
    assert_eq!(whose(&archive, "1").await, whose(&archive, "9").await);
    // Given to somebody after that, it stays with them.
    let third = whose(&archive, "3").await;
    home.rest();
    give(&archive, "1.2.1", Owner::Known(third)).await;
    correct_later(&home, &archive, &sent, &[("StudyDescription", "NGUC")]).await;
    assert_eq!(whose(&archive, "1").await, third);
    archive.close().await;
}

async fn one_number_of_two_issuers_is_two_patients(home: Home) {
    let archive = home.open().await;
    send_from(&archive, "B", &image("1", 1, ("P5", "TRAN^THI B"), "")).await;
    let issued = |number: u32, issuer: &str| {
        let put = |set: &mut DataSet| {
            set.put_text(tags::ISSUER_OF_PATIENT_ID, issuer);
            set.put_text(tags::ACCESSION_NUMBER, "ACC2");
        };
        numbered(("2", number), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[])
    };
    send_all(&archive, &[image("2", 1, A, ""), issued(2, "A")]).await;
    assert!(listed(&archive, State::Open).await.is_empty(), "its own issuer, named in other words");
    send_all(&archive, &[issued(3, "B")]).await;
    let found = only(&archive, Kind::TwoPatients).await;
    let said = found.other.said.unwrap();
    assert_eq!((said.identifier.as_str(), said.issuer.as_str()), ("P1", "B"));
    archive.close().await;
}
