//! Images that are moved are in their new study wherever one looks, late ones too, and go back with an undo.

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset;
use pacs_core::exam::Label;
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};
use storage::corrections::{Move, Moved, Target, What};
use storage::exams::{self, linking, search};
use storage::{Archive, Decision, Error, Subject, acts};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::correcting::{correct, leaving, metadata, newest_act, said};
use crate::rebuilding::{ordered, with_empty_rows};
use crate::samples::*;

on_every_backend!(
    a_merged_study_and_what_comes_late_is_in_the_other,
    a_study_is_split_and_made_one_again,
    instances_become_a_series_of_another_study,
    moves_outlive_the_rows,
    an_exam_follows_its_images,
    an_exam_that_a_person_gave_since_stays,
    images_of_a_moved_series_are_its_new_patients_in_a_series_of_their_own,
    instances_go_back_where_their_series_was_tidied_away,
    of_an_empty_study_nothing_is_deleted,
    every_act_is_in_one_history_and_taken_back_at_one_door,
    what_cannot_be_moved_is_said,
    what_was_moved_and_deleted_stays_deleted,
);

pub async fn move_(archive: &Archive, from: &Uid, what: What, to: Target) -> Moved {
    let wanted = Move { from, what, to, reason: "nhầm ca" };
    archive.move_images(&Scope::All, &Actor::system(), &wanted).await.unwrap()
}

pub async fn merge(archive: &Archive, from: &Instance, to: &Instance) -> Moved {
    move_(archive, &from.study, What::All, Target::Study(to.study.clone())).await
}

pub async fn undo_newest(archive: &Archive, subject: &Uid) {
    let act = archive.act(newest_act(archive, subject.as_str()).await).await.unwrap();
    archive.undo(&Scope::All, &Actor::system(), &act, None).await.unwrap();
}

/// The same instance in another series, without its pixels.
pub fn in_series(instance: &Instance, series: &str) -> Instance {
    let mut set = said(&instance.bytes);
    set.retain(|element| element.tag != tags::PIXEL_DATA);
    set.put_uid(tags::SERIES_INSTANCE_UID, &uid(series));
    let mut other = instance.clone();
    other.series = uid(series);
    other.bytes.truncate(other.dataset_offset);
    dataset::write(&set, &transfer_syntax::of(&other.transfer_syntax), &mut other.bytes).unwrap();
    other
}

/// Study, series and patient that an instance names as it leaves, wherever it is filed.
pub async fn names(archive: &Archive, instance: &Instance) -> [String; 3] {
    let place = archive.locate_instance(&Scope::All, None, None, &instance.uid).await.unwrap().unwrap();
    let set = said(&leaving(archive, &place).await);
    let names = [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::PATIENT_ID]
        .map(|tag| set.text(tag).unwrap_or_default());
    assert_eq!(names[..2], [place.study_uid.to_string(), place.series_uid.to_string()]);
    names
}

pub async fn counts(archive: &Archive, study: &Uid) -> Option<(i64, i64)> {
    let line = search::study(archive.database(), &Scope::All, study).await.unwrap()?;
    Some((line.series_count, line.instance_count))
}

pub async fn assert_as_sent(archive: &Archive, instances: &[Instance]) {
    for instance in instances {
        assert!(leaving(archive, &place(archive, instance).await).await == instance.bytes);
    }
}

pub fn patient(instance: &Instance) -> String {
    said(&instance.bytes).text(tags::PATIENT_ID).unwrap()
}

async fn a_merged_study_and_what_comes_late_is_in_the_other(home: Home) {
    let archive = home.open().await;
    let (wrong, right) = (slices(4, 1), slices(2, 2));
    send_all(&archive, &wrong[..2]).await;
    send_all(&archive, &right).await;
    home.rest();
    archive.settle_study(&wrong[0].study).await.unwrap();
    home.clock.set_ms(home.clock.now_ms() + 1);
    let moved = merge(&archive, &wrong[0], &right[0]).await;
    assert_eq!((moved.study, moved.instances), (right[0].study.clone(), 4));
    assert_eq!(counts(&archive, &wrong[0].study).await, None);
    // One of the series that moved, and one that nobody has seen yet.
    let late = [wrong[2].clone(), in_series(&wrong[3], "1.2.98")];
    for instance in &late {
        let stored = send(&archive, instance).await.unwrap();
        assert_eq!(stored.decision, Decision::Accepted { doubt: false });
    }
    assert_eq!(counts(&archive, &right[0].study).await, Some((3, 6)));
    for instance in wrong[..2].iter().chain(&late) {
        let want = [right[0].study.to_string(), instance.series.to_string(), patient(&right[0])];
        assert_eq!(names(&archive, instance).await, want);
    }
    assert_as_sent(&archive, &right).await;
    let mut filed = wrong[0].clone();
    filed.study = right[0].study.clone();
    let described = metadata(&archive, &filed).await;
    assert_eq!(described.len(), 3);
    assert!(described.iter().all(|set| set.text(tags::PATIENT_ID) == Some(patient(&right[0]))));
    let frame = archive.frame(&place(&archive, &filed).await, 0).await.unwrap();
    assert!(wrong[0].bytes.ends_with(&frame.bytes));

    // The study is corrected as a whole, with what was moved to it.
    home.clock.set_ms(home.clock.now_ms() + 1);
    correct(&archive, &right[0], &[("PatientID", "BN8")]).await;
    assert_eq!(names(&archive, &late[1]).await[2], "BN8");
    undo_newest(&archive, &right[0].study).await;

    undo_newest(&archive, &wrong[0].study).await;
    assert_as_sent(&archive, &wrong[..2]).await;
    assert_as_sent(&archive, &late).await;
    assert_eq!(counts(&archive, &wrong[0].study).await, Some((2, 4)));
    assert_eq!(counts(&archive, &right[0].study).await, Some((1, 2)));
    archive.close().await;
}

async fn a_study_is_split_and_made_one_again(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    let other = in_series(&sent[2], "1.2.97");
    send_all(&archive, &sent[..2]).await;
    send_all(&archive, std::slice::from_ref(&other)).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let study = sent[0].study.clone();
    let split = move_(&archive, &study, What::Series(vec![other.series.clone()]), Target::New).await;
    assert_ne!(split.study, study);
    assert_eq!(counts(&archive, &study).await, Some((1, 2)));
    assert_eq!(counts(&archive, &split.study).await, Some((1, 1)));
    let want = [split.study.to_string(), other.series.to_string(), patient(&other)];
    assert_eq!(names(&archive, &other).await, want);
    // Moved on, and taken back in another order than done.
    let third = slices(1, 3);
    send_all(&archive, &third).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let to = Target::Study(third[0].study.clone());
    move_(&archive, &split.study, What::Series(vec![other.series.clone()]), to).await;
    undo_newest(&archive, &study).await;
    assert_eq!(names(&archive, &other).await[0], third[0].study.to_string());
    undo_newest(&archive, &split.study).await;
    assert_as_sent(&archive, &[sent[0].clone(), other.clone()]).await;
    assert_eq!(counts(&archive, &study).await, Some((2, 3)));
    archive.close().await;
}

async fn instances_become_a_series_of_another_study(home: Home) {
    let archive = home.open().await;
    let (wrong, right) = (slices(3, 1), slices(1, 2));
    send_all(&archive, &wrong).await;
    send_all(&archive, &right).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let what = What::Instances(vec![wrong[1].uid.clone()]);
    move_(&archive, &wrong[0].study, what, Target::Study(right[0].study.clone())).await;
    assert_eq!(counts(&archive, &wrong[0].study).await, Some((1, 2)));
    assert_eq!(counts(&archive, &right[0].study).await, Some((2, 2)));
    let [study, series, id] = names(&archive, &wrong[1]).await;
    assert_eq!((study, id), (right[0].study.to_string(), patient(&right[0])));
    assert_ne!(series, wrong[1].series.to_string());
    assert_as_sent(&archive, &[wrong[0].clone(), wrong[2].clone()]).await;
    home.rest();
    archive.settle_due().await.unwrap();
    assert_eq!(names(&archive, &wrong[1]).await[1], series, "it has settled with its series");
    undo_newest(&archive, &wrong[0].study).await;
    assert_as_sent(&archive, &wrong).await;
    assert_eq!(counts(&archive, &right[0].study).await, Some((1, 1)));
    archive.close().await;
}

async fn moves_outlive_the_rows(home: Home) {
    let archive = home.open().await;
    let (merged, into, back) = (slices(3, 1), slices(2, 2), slices(2, 3));
    let split = in_series(&merged[2], "1.2.96");
    send_all(&archive, &merged[..2]).await;
    send_all(&archive, std::slice::from_ref(&split)).await;
    send_all(&archive, &into).await;
    send_all(&archive, &back).await;
    home.rest();
    archive.settle_study(&merged[0].study).await.unwrap();
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    tick();
    let apart =
        move_(&archive, &merged[0].study, What::Series(vec![split.series.clone()]), Target::New).await;
    tick();
    merge(&archive, &merged[0], &into[0]).await;
    tick();
    let what = What::Instances(vec![into[1].uid.clone()]);
    move_(&archive, &into[0].study, what, Target::Study(apart.study.clone())).await;
    tick();
    merge(&archive, &back[0], &into[0]).await;
    tick();
    undo_newest(&archive, &back[0].study).await;
    tick();
    correct(&archive, &into[0], &[("PatientName", "Lê^Hoa")]).await;
    let mut before = Vec::new();
    for instance in [&merged[0], &merged[1], &split, &into[0], &into[1], &back[0]] {
        before.push((instance.clone(), names(&archive, instance).await));
    }
    let studies = [&merged[0].study, &into[0].study, &back[0].study, &apart.study];
    let mut shown = Vec::new();
    for study in studies {
        shown.push(counts(&archive, study).await);
    }
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        for (instance, want) in &before {
            assert_eq!(names(&archive, instance).await, *want, "{time}");
        }
        for (study, want) in studies.iter().zip(&shown) {
            assert_eq!(counts(&archive, study).await, *want, "{time}");
        }
    }
    // Late images still obey, and what was moved can still go back.
    let late = in_series(&slices(4, 1)[3], "1.2.95");
    assert_eq!(send(&archive, &late).await.unwrap().decision, Decision::Accepted { doubt: false });
    assert_eq!(names(&archive, &late).await[0], into[0].study.to_string());
    undo_newest(&archive, &merged[0].study).await;
    assert_as_sent(&archive, &[merged[0].clone(), late]).await;
    archive.close().await;
}

async fn an_exam_follows_its_images(home: Home) {
    let archive = home.open().await;
    let (all, actor, db) = (Scope::All, Actor::system(), archive.database());
    let exam = ordered(&archive, "X1").await;
    let (first, second) = (slices(1, 1), slices(1, 2));
    send_all(&archive, &first).await;
    send_all(&archive, &second).await;
    linking::link(db, &all, &actor, &first[0].study, exam.id, None, 5).await.unwrap();
    let now = async || {
        let exam = exams::by_id(db, &all, exam.id).await.unwrap().unwrap();
        (exam.label(), exam.study_uid.map(|uid| uid.to_string()))
    };
    home.clock.set_ms(home.clock.now_ms() + 1);
    merge(&archive, &first[0], &second[0]).await;
    assert_eq!(now().await, (Label::InProgress, Some(second[0].study.to_string())));
    undo_newest_move(&archive, &first[0].study).await;
    assert_eq!(now().await, (Label::InProgress, Some(first[0].study.to_string())));
    let line = search::study(db, &all, &second[0].study).await.unwrap().unwrap();
    assert_eq!(line.exam, None);
    archive.close().await;
}

async fn undo_newest_move(archive: &Archive, study: &Uid) {
    let acts = acts::of_study(archive.database(), study.as_str(), 50).await.unwrap();
    let (act, _) = acts.into_iter().find(|(act, undone)| act.kind == "study.merge" && !undone).unwrap();
    archive.undo(&Scope::All, &Actor::system(), &act, None).await.unwrap();
}

async fn every_act_is_in_one_history_and_taken_back_at_one_door(home: Home) {
    let archive = home.open().await;
    let (all, actor) = (Scope::All, Actor::system());
    let exam = ordered(&archive, "X1").await;
    let (sent, other) = (slices(2, 1), slices(1, 2));
    send_all(&archive, &sent).await;
    send_all(&archive, &other).await;
    let study = sent[0].study.clone();
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    tick();
    correct(&archive, &sent[0], &[("StudyDescription", "Bụng")]).await;
    tick();
    linking::link(archive.database(), &all, &actor, &study, exam.id, None, home.clock.now_ms())
        .await
        .unwrap();
    tick();
    let one = Subject::Instance(sent[1].uid.clone());
    archive.reject(&all, &actor, &one, Rejection::PatientSafety).await.unwrap();
    tick();
    merge(&archive, &other[0], &sent[0]).await;
    let history = async || {
        let acts = acts::of_study(archive.database(), study.as_str(), 50).await.unwrap();
        acts.into_iter().map(|(act, undone)| (act.kind, undone)).collect::<Vec<_>>()
    };
    let done = ["study.merge", "instance.reject", "study.link", "study.correct"];
    assert_eq!(history().await, done.map(|kind| (kind.to_owned(), false)));
    for (act, _) in acts::of_study(archive.database(), study.as_str(), 50).await.unwrap() {
        tick();
        archive.undo(&all, &actor, &act, Some("nhầm")).await.unwrap();
        let twice = archive.undo(&all, &actor, &act, None).await;
        assert!(matches!(twice, Err(Error::Conflict(_))), "{} {twice:?}", act.kind);
    }
    let undone: Vec<_> = history().await.into_iter().filter(|(_, undone)| *undone).collect();
    assert_eq!(undone, done.map(|kind| (kind.to_owned(), true)));
    assert_as_sent(&archive, &sent).await;
    assert_as_sent(&archive, &other).await;
    // What took back is taken back where it is an act of its own.
    let acts = acts::of_study(archive.database(), study.as_str(), 50).await.unwrap();
    let restored = &acts.iter().find(|(act, _)| act.kind == "instance.restore").unwrap().0;
    archive.undo(&all, &actor, restored, None).await.unwrap();
    assert_eq!(counts(&archive, &study).await, Some((1, 1)));
    archive.close().await;
}

async fn what_cannot_be_moved_is_said(home: Home) {
    let archive = home.open().await;
    let (one, two) = (slices(1, 1), slices(1, 2));
    send_all(&archive, &one).await;
    send_all(&archive, &two).await;
    let actor = Actor::system();
    let attempt = async |scope: &Scope, what: What, to: Target| {
        let wanted = Move { from: &one[0].study, what, to, reason: "nhầm" };
        archive.move_images(scope, &actor, &wanted).await
    };
    let elsewhere = Scope::Facilities(vec!["B".to_owned()]);
    let other = Target::Study(two[0].study.clone());
    let refused = attempt(&elsewhere, What::All, other.clone()).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    for (what, to) in [
        (What::All, Target::Study(one[0].study.clone())),
        (What::All, Target::New),
        (What::Series(Vec::new()), other.clone()),
    ] {
        let refused = attempt(&Scope::All, what, to).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    for what in [What::Series(vec![two[0].series.clone()]), What::Instances(vec![two[0].uid.clone()])] {
        let refused = attempt(&Scope::All, what, other.clone()).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    }
    assert_as_sent(&archive, &one).await;
    archive.close().await;
}

async fn what_was_moved_and_deleted_stays_deleted(home: Home) {
    let archive = home.open().await;
    let (wrong, right) = (slices(3, 1), slices(1, 2));
    send_all(&archive, &wrong).await;
    send_all(&archive, &right).await;
    home.rest();
    archive.settle_due().await.unwrap();
    home.clock.set_ms(home.clock.now_ms() + 1);
    let what = What::Instances(vec![wrong[1].uid.clone()]);
    move_(&archive, &wrong[0].study, what, Target::Study(right[0].study.clone())).await;
    let subject = Subject::Study(right[0].study.clone());
    archive.delete(&Scope::All, &Actor::system(), &subject, "thử").await.unwrap();
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_eq!(counts(&archive, &wrong[0].study).await, Some((1, 2)));
    assert_eq!(counts(&archive, &right[0].study).await, None);
    assert_as_sent(&archive, &[wrong[0].clone(), wrong[2].clone()]).await;
    archive.close().await;
}

async fn images_of_a_moved_series_are_its_new_patients_in_a_series_of_their_own(home: Home) {
    let archive = home.open().await;
    let (wrong, right) = (slices(3, 1), slices(1, 2));
    send_all(&archive, &wrong).await;
    send_all(&archive, &right).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    merge(&archive, &wrong[0], &right[0]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let study = right[0].study.clone();
    let what = What::Instances(vec![wrong[1].uid.clone()]);
    move_(&archive, &study, what, Target::Study(study.clone())).await;
    let [in_study, series, id] = names(&archive, &wrong[1]).await;
    assert_eq!((in_study, id), (study.to_string(), patient(&right[0])));
    let mut filed = wrong[1].clone();
    (filed.study, filed.series) = (study.clone(), uid(&series));
    let [described] = &metadata(&archive, &filed).await[..] else { panic!("one instance") };
    assert_eq!(described.text(tags::PATIENT_ID), Some(patient(&right[0])));
    // Taken back in the order in which they were done.
    undo_newest(&archive, &wrong[0].study).await;
    assert_eq!(names(&archive, &wrong[1]).await[1], series);
    undo_newest(&archive, &study).await;
    assert_as_sent(&archive, &wrong).await;
    assert_as_sent(&archive, &right).await;
    archive.close().await;
}

async fn instances_go_back_where_their_series_was_tidied_away(home: Home) {
    let archive = home.open().await;
    let (all, actor) = (Scope::All, Actor::system());
    let (wrong, right) = (slices(3, 1), slices(1, 2));
    let other = in_series(&wrong[2], "1.2.94");
    send_all(&archive, &wrong[..2]).await;
    send_all(&archive, std::slice::from_ref(&other)).await;
    send_all(&archive, &right).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let what = What::Instances(wrong[..2].iter().map(|instance| instance.uid.clone()).collect());
    move_(&archive, &wrong[0].study, what, Target::Study(right[0].study.clone())).await;
    // Bringing the counts of the study in line takes the series away in which nothing is left.
    let rest = Subject::Study(wrong[0].study.clone());
    archive.reject(&all, &actor, &rest, Rejection::Quality).await.unwrap();
    archive.restore(&all, &actor, &rest, "wrongly rejected").await.unwrap();
    let (act, _) = acts::of_study(archive.database(), right[0].study.as_str(), 1).await.unwrap().remove(0);
    archive.undo(&all, &actor, &act, None).await.unwrap();
    assert_as_sent(&archive, &wrong[..2]).await;
    assert_as_sent(&archive, std::slice::from_ref(&other)).await;
    assert_eq!(counts(&archive, &wrong[0].study).await, Some((2, 3)));
    let described = metadata(&archive, &wrong[0]).await;
    assert_eq!(described.len(), 2);
    archive.close().await;
}

async fn of_an_empty_study_nothing_is_deleted(home: Home) {
    let archive = home.open().await;
    let (merged, into) = (slices(2, 1), slices(1, 2));
    send_all(&archive, &merged).await;
    send_all(&archive, &into).await;
    home.rest();
    archive.settle_due().await.unwrap();
    merge(&archive, &merged[0], &into[0]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let subject = Subject::Study(merged[0].study.clone());
    let refused = archive.delete(&Scope::All, &Actor::system(), &subject, "trống").await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    let refused = archive.delete_rejected(&Scope::All, &Actor::system(), &subject).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    undo_newest(&archive, &merged[0].study).await;
    assert_as_sent(&archive, &merged).await;
    archive.close().await;
}

async fn an_exam_that_a_person_gave_since_stays(home: Home) {
    let archive = home.open().await;
    let (all, actor, db) = (Scope::All, Actor::system(), archive.database());
    let (exam, other) = (ordered(&archive, "X1").await, ordered(&archive, "X2").await);
    let (first, second) = (slices(1, 1), slices(1, 2));
    send_all(&archive, &first).await;
    send_all(&archive, &second).await;
    let tick = || {
        home.clock.set_ms(home.clock.now_ms() + 1);
        home.clock.now_ms()
    };
    linking::link(db, &all, &actor, &first[0].study, exam.id, None, tick()).await.unwrap();
    tick();
    merge(&archive, &first[0], &second[0]).await;
    linking::unlink(db, &all, &actor, &second[0].study, Some("nhầm"), tick()).await.unwrap();
    linking::link(db, &all, &actor, &second[0].study, other.id, None, tick()).await.unwrap();
    tick();
    undo_newest_move(&archive, &first[0].study).await;
    let line = search::study(db, &all, &second[0].study).await.unwrap().unwrap();
    assert_eq!(line.exam, Some(other.id));
    let line = search::study(db, &all, &first[0].study).await.unwrap().unwrap();
    assert_eq!(line.exam, None);
    archive.close().await;
}
