//! A study whose images are of two patients is parted, and what was said of a study is taken back from its history.

use pacs_core::access::{Actor, Scope};
use pacs_core::reconciliation::{Answer, Kind};
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::acts::{self, Act};
use storage::identity::assigning::{self, Owner};
use storage::index::instances;
use storage::{Archive, Error, InstancePlace, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::rebuilding::made_anew;
use crate::reconciling::{A, OTHER, answer, image, line, listed, only, reopen};
use crate::samples::*;
use storage::reconciliation::State;

on_every_backend!(
    images_of_the_other_patient_become_a_study_of_theirs,
    a_parted_study_outlives_the_rows,
    what_was_parted_and_rejected_stays_rejected,
    what_was_said_of_a_study_is_taken_back_in_its_history,
);

/// An image of a second series of study `1.2.1`.
pub fn of_second_series(number: u32, (id, name): (&str, &str)) -> Instance {
    let put = |set: &mut pacs_core::dataset::DataSet| {
        set.put_text(tags::SERIES_INSTANCE_UID, "1.2.1.2");
        set.put_text(tags::SOP_INSTANCE_UID, &format!("1.2.1.2.{number}"));
        set.put_text(tags::PATIENT_ID, id);
        set.put_text(tags::PATIENT_NAME, name);
        set.put_text(tags::ACCESSION_NUMBER, "ACC1");
    };
    let mut made = numbered(("1", 100 + number), uids::EXPLICIT_VR_LITTLE_ENDIAN, put, &[]);
    (made.uid, made.series) = (uid(&format!("1.2.1.2.{number}")), uid("1.2.1.2"));
    made
}

pub async fn anywhere(archive: &Archive, image: &Instance) -> InstancePlace {
    archive.locate_instance(&Scope::All, None, None, &image.uid).await.unwrap().unwrap()
}

/// Where each image is: its study, and whether it is in the series it was sent in.
async fn homes(archive: &Archive, sent: &[Instance]) -> Vec<(Uid, bool)> {
    let mut homes = Vec::new();
    for one in sent {
        let place = anywhere(archive, one).await;
        homes.push((place.study_uid, place.series_uid == one.series));
    }
    homes
}

/// One series with images of both, and one that is all the other's.
async fn mixed(archive: &Archive) -> Vec<Instance> {
    let sent = vec![
        image("1", 1, A, ""),
        image("1", 2, OTHER, ""),
        image("1", 3, A, ""),
        of_second_series(1, OTHER),
        of_second_series(2, OTHER),
    ];
    send_all(archive, &sent).await;
    sent
}

async fn history(archive: &Archive, study: &str) -> Vec<(Act, bool)> {
    acts::of_study(archive.database(), study, 50).await.unwrap()
}

async fn undo(archive: &Archive, act: &Act) -> Result<(), Error> {
    archive.undo(&Scope::All, &Actor::system(), act, Some("nhầm")).await
}

async fn images_of_the_other_patient_become_a_study_of_theirs(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &[image("2", 1, OTHER, "")]).await;
    let theirs = line(&archive, "2").await.patient_id;
    let sent = mixed(&archive).await;
    let as_sent = homes(&archive, &sent).await;
    let found = only(&archive, Kind::TwoPatients).await;
    assert_eq!(found.answers, [Answer::SamePerson, Answer::Part, Answer::LeaveApart]);
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();

    let parted = homes(&archive, &sent).await;
    let made = parted[1].0.clone();
    assert_ne!(made, sent[0].study);
    let study = sent[0].study.clone();
    let want = [(&study, true), (&made, false), (&study, true), (&made, true), (&made, true)];
    assert_eq!(parted.iter().map(|(study, same)| (study, *same)).collect::<Vec<_>>(), want);
    let new = storage::exams::search::study(archive.database(), &Scope::All, &made).await.unwrap().unwrap();
    assert_eq!((new.patient_id, new.patient.id.as_str(), new.instance_count), (theirs, "P2", 3));
    assert_eq!(line(&archive, "1").await.instance_count, 2);
    assert!(line(&archive, "1").await.doubt.is_none() && listed(&archive, State::Open).await.is_empty());
    let said = listed(&archive, State::Answered).await[0].answered.clone().unwrap();
    assert_eq!((said.answer, said.reason.as_deref()), (Some(Answer::Part), Some("đã hỏi người bệnh")));
    // What leaves says whose it is and where it is filed.
    let header = archive.header(&anywhere(&archive, &sent[1]).await).await.unwrap();
    assert_eq!(header.text(tags::PATIENT_ID).as_deref(), Some("P2"));
    assert_eq!(header.uid(tags::STUDY_INSTANCE_UID).unwrap().unwrap(), made);

    // A late image of the other in the series of both asks again, and goes where the others went.
    let late = image("1", 9, OTHER, "");
    send(&archive, &late).await.unwrap();
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id);
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();
    assert_eq!(homes(&archive, std::slice::from_ref(&late)).await, [(made.clone(), false)]);
    let twice = answer(&archive, found.id, (Answer::Part, None)).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");

    // Taken back: the second parting in the list, the first in the history.
    reopen(&archive, found.id).await.unwrap();
    assert_eq!(homes(&archive, &[late]).await, [(study.clone(), true)]);
    assert_eq!(only(&archive, Kind::TwoPatients).await.id, found.id);
    let acts = history(&archive, study.as_str()).await;
    let (first, is_undone) = acts.iter().rfind(|(act, _)| act.kind == "study.part").unwrap();
    assert!(!is_undone);
    undo(&archive, first).await.unwrap();
    assert_eq!(homes(&archive, &sent).await, as_sent);
    assert_eq!(line(&archive, "1").await.instance_count, 6);
    assert!(instances::of_study(archive.database(), &Scope::All, &made).await.unwrap().is_empty());
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

async fn a_parted_study_outlives_the_rows(home: Home) {
    let archive = home.open().await;
    let sent = mixed(&archive).await;
    let found = only(&archive, Kind::TwoPatients).await;
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();
    let parted = homes(&archive, &sent).await;
    let (_home, archive) = made_anew(home, archive).await;
    assert_eq!(homes(&archive, &sent).await, parted);
    assert_eq!(line(&archive, "1").await.patient.id, A.0, "whoever was indexed first");
    assert!(listed(&archive, State::Open).await.is_empty());
    let answered = listed(&archive, State::Answered).await;
    reopen(&archive, answered[0].id).await.unwrap();
    assert!(homes(&archive, &sent).await.iter().all(|(study, same)| *same && *study == sent[0].study));
    archive.close().await;
}

async fn what_was_parted_and_rejected_stays_rejected(home: Home) {
    let archive = home.open().await;
    let sent = mixed(&archive).await;
    let found = only(&archive, Kind::TwoPatients).await;
    answer(&archive, found.id, (Answer::Part, None)).await.unwrap();
    let (made, _) = homes(&archive, &sent).await.swap_remove(1);
    let theirs = Subject::Study(made.clone());
    let rejected = archive.reject(&Scope::All, &Actor::system(), &theirs, Rejection::Quality).await.unwrap();
    assert_eq!(rejected.instances, 3);
    let (_home, archive) = made_anew(home, archive).await;
    assert!(instances::of_study(archive.database(), &Scope::All, &made).await.unwrap().is_empty());
    assert_eq!(line(&archive, "1").await.instance_count, 2);
    let restored = archive.restore(&Scope::All, &Actor::system(), &theirs, "wrongly rejected").await.unwrap();
    assert_eq!(restored.instances, 3);
    archive.close().await;
}

async fn what_was_said_of_a_study_is_taken_back_in_its_history(home: Home) {
    let archive = home.open().await;
    let other = ("P1", "Trần^Thị B");
    send_all(&archive, &[image("1", 1, A, "first"), image("2", 1, other, "")]).await;
    let newest = async |study: &str| history(&archive, study).await.remove(0);

    // Whose a study is, as an answer.
    let found = only(&archive, Kind::DemographicsDiffer).await;
    let before = line(&archive, "2").await.patient_id;
    answer(&archive, found.id, (Answer::NewPatient, None)).await.unwrap();
    let (given, _) = newest("1.2.2").await;
    undo(&archive, &given).await.unwrap();
    assert_eq!(line(&archive, "2").await.patient_id, before);
    assert_eq!(only(&archive, Kind::DemographicsDiffer).await.id, found.id);
    let acts = history(&archive, "1.2.2").await;
    assert_eq!((acts[0].0.undoes, acts[1].1), (Some(given.id), true), "{acts:?}");
    // The taking back is an act as well.
    undo(&archive, &acts[0].0).await.unwrap();
    let alone = line(&archive, "2").await.patient_id;
    assert_ne!(alone, before);
    let (again, _) = newest("1.2.2").await;
    undo(&archive, &again).await.unwrap();

    // That it is right as it is.
    answer(&archive, found.id, (Answer::SamePerson, None)).await.unwrap();
    assert!(listed(&archive, State::Open).await.is_empty());
    let (said, _) = newest("1.2.2").await;
    assert_eq!(said.kind, "study.reconcile");
    undo(&archive, &said).await.unwrap();
    assert_eq!(only(&archive, Kind::DemographicsDiffer).await.id, found.id);
    let twice = undo(&archive, &said).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");

    // What a person said outside of the list; and not while something newer stands.
    let database = archive.database();
    let (scope, actor, study) = (Scope::All, Actor::system(), uid("1.2.1"));
    let give =
        async |owner| assigning::assign(database, &scope, &actor, &study, owner, None, 1).await.unwrap();
    let (first, _) = give(Owner::New).await;
    let (second, _) = give(Owner::Known(alone)).await;
    let first = archive.act(first).await.unwrap();
    let early = undo(&archive, &first).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    undo(&archive, &archive.act(second).await.unwrap()).await.unwrap();
    assert_eq!(line(&archive, "1").await.patient.id, "P1");
    assert_ne!(line(&archive, "1").await.patient_id, before, "the first still stands");

    // Which content is served.
    home.rest();
    send(&archive, &image("1", 1, A, "second")).await.unwrap();
    let conflict =
        listed(&archive, State::Open).await.into_iter().find(|one| one.kind == Kind::Conflict).unwrap();
    answer(&archive, conflict.id, (Answer::ServeNewest, None)).await.unwrap();
    let (chosen, _) = newest("1.2.1").await;
    assert_eq!(chosen.kind, "series.serve", "it is in the study's history");
    undo(&archive, &chosen).await.unwrap();
    assert_whole(&archive, &[image("1", 1, A, "first")]).await;
    assert!(listed(&archive, State::Open).await.iter().any(|one| one.id == conflict.id));
    assert!(history(&archive, "1.2.1").await[1].1);
    archive.close().await;
}
