//! What is rejected is shown and given by nothing, is kept, and comes back when that is wanted.

use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::exam::Label;
use pacs_core::query::{Level, Query};
use pacs_core::rejection::Rejection;
use pacs_core::tags;
use storage::corrections::{Target, What};
use storage::events::EventKind;
use storage::exams::{self, linking, search, unmatched};
use storage::rejection::listing;
use storage::{Archive, Decision, Error, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::deleting::{an_hour_later, assert_gone, objects};
use crate::moving::{in_series, move_, undo_newest};
use crate::rebuilding::{ordered, with_empty_rows};
use crate::samples::*;

on_every_backend!(
    a_rejected_study_is_hidden_and_comes_back,
    a_part_that_is_rejected_leaves_the_rest,
    the_same_image_sent_again_stays_rejected,
    an_exam_loses_and_regains_its_images,
    rejections_outlive_the_rows,
    an_undoing_shows_and_hides_no_more_than_the_act_did,
    what_was_rejected_in_a_series_that_is_no_more_stays_rejected,
    what_is_rejected_is_deleted_without_another_reason,
    only_what_is_in_scope_is_rejected,
    what_is_rejected_is_listed_where_it_is_now,
    what_is_rejected_is_listed_by_the_act_wherever_it_went,
);

pub async fn reject(archive: &Archive, subject: Subject) -> u64 {
    archive.reject(&Scope::All, &Actor::system(), &subject, Rejection::Quality).await.unwrap().instances
}

pub async fn restore(archive: &Archive, subject: Subject) -> u64 {
    archive.restore(&Scope::All, &Actor::system(), &subject, "wrongly rejected").await.unwrap().instances
}

pub fn study(instance: &Instance) -> Subject {
    Subject::Study(instance.study.clone())
}

pub fn one(instance: &Instance) -> Subject {
    Subject::Instance(instance.uid.clone())
}

/// How many answers there are at each level, and how many instances C-MOVE would send.
async fn shown(archive: &Archive) -> [usize; 5] {
    let mut counts = Vec::new();
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        let query = Query::new(level);
        let found: Vec<_> =
            storage::query::find(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
        counts.push(found.len());
    }
    let query = Query::new(Level::Study);
    let places: Vec<_> =
        storage::query::find_places(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
    counts.push(places.len());
    counts.try_into().unwrap()
}

async fn a_rejected_study_is_hidden_and_comes_back(home: Home) {
    let archive = home.open().await;
    let (bad, good) = (slices(3, 1), slices(2, 2));
    send_all(&archive, &bad).await;
    send_all(&archive, &good).await;
    assert_eq!(reject(&archive, study(&bad[0])).await, 3);
    assert_gone(&archive, &bad).await;
    assert_eq!(shown(&archive).await, [1, 1, 1, 2, 2]);
    assert!(archive.locate_study(&Scope::All, &bad[0].study).await.unwrap().is_empty());
    let metadata = archive.series_metadata(&Scope::All, &bad[0].study, &bad[0].series, "http://x").await;
    assert!(matches!(metadata.err(), Some(Error::NotFound)));
    assert!(search::study(archive.database(), &Scope::All, &bad[0].study).await.unwrap().is_none());
    assert_eq!(unmatched::list(archive.database(), &Scope::All, None, 10).await.unwrap().items.len(), 1);
    let again = archive.reject(&Scope::All, &Actor::system(), &study(&bad[0]), Rejection::Quality).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");

    // It settles like anything else, and a tidy archive loses nothing of it.
    home.rest();
    archive.settle_due().await.unwrap();
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    assert!(home.segments().is_empty());
    assert!(objects(&home).is_none_or(|there| there.len() == 4), "{:?}", objects(&home));
    assert_eq!(archive.verify(|_| {}).await.unwrap().instances, 5);
    assert_eq!(restore(&archive, study(&bad[0])).await, 3);
    assert_whole(&archive, &bad).await;
    assert_eq!(shown(&archive).await, [2, 2, 2, 5, 5]);
    let line = search::study(archive.database(), &Scope::All, &bad[0].study).await.unwrap().unwrap();
    assert_eq!((line.series_count, line.instance_count, line.modalities), (1, 3, vec!["CT".to_owned()]));
    let twice = archive.restore(&Scope::All, &Actor::system(), &study(&bad[0]), "wrongly rejected").await;
    assert!(matches!(twice, Err(Error::NotFound)), "{twice:?}");

    let acts = storage::acts::of_subject(archive.database(), bad[0].study.as_str(), 10).await.unwrap();
    let told: Vec<_> = acts.iter().map(|act| (act.kind.as_str(), act.reason.as_deref())).collect();
    let why =
        [("study.restore", Some("wrongly rejected")), ("study.reject", Some("Rejected for Quality Reasons"))];
    assert_eq!(told, why);
    let events = storage::events::since(archive.database(), 0, 1000).await.unwrap();
    assert_eq!(events.last().unwrap().study_uid.as_deref(), Some(bad[0].study.as_str()));
    archive.close().await;
}

async fn a_part_that_is_rejected_leaves_the_rest(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    send_all(&archive, &sent[..3]).await;
    archive.settle_study(&sent[0].study).await.unwrap();
    let listed = async || {
        let found =
            archive.series_metadata(&Scope::All, &sent[0].study, &sent[0].series, "http://x").await.unwrap();
        let file = found.open(storage::Encoding::Identity).await.unwrap();
        let bytes: Vec<u8> = file.stream().try_collect::<Vec<_>>().await.unwrap().concat();
        let listed: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        (found.etag(storage::Encoding::Identity), listed.as_array().unwrap().len())
    };
    let before = listed().await;
    assert_eq!(reject(&archive, one(&sent[1])).await, 1);
    assert_gone(&archive, &sent[1..2]).await;
    assert_whole(&archive, &[sent[0].clone(), sent[2].clone()]).await;
    let after = listed().await;
    assert_eq!((before.1, after.1), (3, 2));
    assert_ne!(before.0, after.0, "the series has another revision");
    assert_eq!(shown(&archive).await, [1, 1, 1, 2, 2]);

    // With the series the rest goes; what comes late is shown, and a restored series is whole.
    assert_eq!(reject(&archive, Subject::Series(sent[0].series.clone())).await, 2);
    assert_eq!(shown(&archive).await, [0, 0, 0, 0, 0]);
    home.clock.set_ms(home.clock.now_ms() + 1);
    send_all(&archive, &sent[3..]).await;
    assert_eq!(shown(&archive).await, [1, 1, 1, 1, 1]);
    let line = search::study(archive.database(), &Scope::All, &sent[0].study).await.unwrap().unwrap();
    assert_eq!((line.series_count, line.instance_count, line.modalities), (1, 1, vec!["CT".to_owned()]));
    assert_eq!(restore(&archive, one(&sent[1])).await, 1);
    assert_eq!(restore(&archive, Subject::Series(sent[0].series.clone())).await, 2);
    assert_whole(&archive, &sent).await;
    assert_eq!(shown(&archive).await, [1, 1, 1, 4, 4]);
    archive.close().await;
}

async fn the_same_image_sent_again_stays_rejected(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    reject(&archive, study(&sent[0])).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    assert_eq!(send(&archive, &sent[0]).await.unwrap().decision, Decision::Duplicate);
    let mut other = sent[1].clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert!(matches!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(_)));
    assert_eq!(shown(&archive).await, [0, 0, 0, 0, 0]);
    drop(archive);
    let archive = home.open().await;
    assert_gone(&archive, &sent).await;
    assert_eq!(restore(&archive, study(&sent[0])).await, 2);
    assert_whole(&archive, &sent).await;
    let line = search::study(archive.database(), &Scope::All, &sent[0].study).await.unwrap().unwrap();
    assert_eq!(line.conflict_count, 1);
    archive.close().await;
}

async fn an_exam_loses_and_regains_its_images(home: Home) {
    let archive = home.open().await;
    let (all, actor, db) = (Scope::All, Actor::system(), archive.database());
    let exam = ordered(&archive, "X1").await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    linking::link(db, &all, &actor, &sent[0].study, exam.id, None, 5).await.unwrap();
    let now = async || {
        let exam = exams::by_id(db, &all, exam.id).await.unwrap().unwrap();
        (exam.label(), exam.instance_count, exam.study_uid.is_some())
    };
    assert_eq!(now().await, (Label::InProgress, 2, true));
    reject(&archive, one(&sent[0])).await;
    assert_eq!(now().await, (Label::InProgress, 1, true));
    reject(&archive, one(&sent[1])).await;
    assert_eq!(now().await, (Label::Scheduled, 0, false), "its only images went");
    restore(&archive, study(&sent[0])).await;
    assert_eq!(now().await, (Label::InProgress, 2, true));

    // An exam that was called off meanwhile takes no images back.
    reject(&archive, study(&sent[0])).await;
    let cancel = pacs_core::exam::StepAct::Cancel;
    exams::moves::act(db, &all, &actor, exam.id, cancel, Some("nhầm"), 9).await.unwrap();
    let before = storage::events::since(db, 0, 1000).await.unwrap().last().map_or(0, |event| event.id);
    restore(&archive, study(&sent[0])).await;
    assert_eq!(now().await, (Label::Cancelled, 0, false));
    let told = storage::events::since(db, before, 1000).await.unwrap();
    assert!(told.iter().any(|event| event.kind == EventKind::UnmatchedChanged), "{told:?}");
    assert_eq!(unmatched::list(db, &all, None, 10).await.unwrap().items.len(), 1);
    archive.close().await;
}

async fn rejections_outlive_the_rows(home: Home) {
    let archive = home.open().await;
    let (whole, part, back, gone) = (slices(3, 1), slices(3, 2), slices(2, 3), slices(2, 4));
    for sent in [&whole, &part, &back, &gone] {
        send_all(&archive, sent).await;
    }
    home.rest();
    archive.settle_study(&whole[0].study).await.unwrap();
    archive.settle_study(&back[0].study).await.unwrap();
    reject(&archive, study(&whole[0])).await;
    reject(&archive, study(&part[0])).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    restore(&archive, one(&part[1])).await;
    reject(&archive, Subject::Series(back[0].series.clone())).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    restore(&archive, study(&back[0])).await;
    reject(&archive, study(&gone[0])).await;
    archive.delete_rejected(&Scope::All, &Actor::system(), &study(&gone[0])).await.unwrap();
    home.rest();
    archive.settle_due().await.unwrap();
    archive.tidy().await.unwrap();
    let before = shown(&archive).await;
    assert_eq!(before, [2, 2, 2, 3, 3]);
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        assert_eq!(shown(&archive).await, before, "{time}");
        for hidden in [&whole[..], &part[..1], &part[2..], &gone[..]] {
            assert_gone(&archive, hidden).await;
        }
        assert_whole(&archive, &part[1..2]).await;
        assert_whole(&archive, &back).await;
    }
    // What was rejected is not lost, and comes back by its act.
    assert_eq!(restore(&archive, study(&whole[0])).await, 3);
    archive.reindex(|_| {}).await.unwrap();
    assert_whole(&archive, &whole).await;
    archive.close().await;
}

async fn undo(archive: &Archive, subject: &pacs_core::uid::Uid) {
    let act = storage::acts::of_subject(archive.database(), subject.as_str(), 1).await.unwrap().remove(0);
    archive.undo(&Scope::All, &Actor::system(), &act, Some("nhầm")).await.unwrap();
}

async fn an_undoing_shows_and_hides_no_more_than_the_act_did(home: Home) {
    let archive = home.open().await;
    let (part, whole) = (slices(4, 1), slices(4, 2));
    send_all(&archive, &part).await;
    send_all(&archive, &whole).await;
    home.rest();
    archive.settle_study(&part[0].study).await.unwrap();
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    // One image is rejected, then its series restored: the undoing rejects that one again.
    reject(&archive, one(&part[0])).await;
    tick();
    assert_eq!(restore(&archive, Subject::Series(part[0].series.clone())).await, 1);
    tick();
    undo(&archive, &part[0].series).await;
    assert_gone(&archive, &part[..1]).await;
    assert_whole(&archive, &part[1..]).await;
    // One image is rejected for safety, then its study: the undoing of the second leaves the first.
    let safety = Rejection::PatientSafety;
    archive.reject(&Scope::All, &Actor::system(), &one(&whole[1]), safety).await.unwrap();
    tick();
    assert_eq!(reject(&archive, study(&whole[0])).await, 3);
    tick();
    undo(&archive, &whole[0].study).await;
    assert_gone(&archive, &whole[1..2]).await;
    assert_whole(&archive, &[whole[0].clone(), whole[2].clone(), whole[3].clone()]).await;
    // And that undoing is taken back like any act.
    tick();
    undo(&archive, &whole[0].study).await;
    assert_gone(&archive, &whole).await;
    tick();
    undo(&archive, &whole[0].study).await;
    archive.settle_due().await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        assert_eq!(shown(&archive).await, [2, 2, 2, 6, 6], "{time}");
        assert_gone(&archive, &[part[0].clone(), whole[1].clone()]).await;
    }
    // Each goes back by its own act.
    undo(&archive, &part[0].uid).await;
    undo(&archive, &whole[1].uid).await;
    assert_whole(&archive, &part).await;
    assert_whole(&archive, &whole).await;
    archive.close().await;
}

async fn what_was_rejected_in_a_series_that_is_no_more_stays_rejected(home: Home) {
    let archive = home.open().await;
    let (from, to) = (slices(3, 1), slices(2, 2));
    send_all(&archive, &from).await;
    send_all(&archive, &to).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let target = Target::Study(to[0].study.clone());
    move_(&archive, &from[0].study, What::Instances(vec![from[1].uid.clone()]), target).await;
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    tick();
    // With the study that it is in, and not with the one that it came from.
    reject(&archive, study(&to[0])).await;
    tick();
    reject(&archive, Subject::Series(from[0].series.clone())).await;
    undo(&archive, &from[0].series).await;
    tick();
    undo_newest(&archive, &from[0].study).await;
    let hidden = [&to[..], &from[1..2]].concat();
    assert_gone(&archive, &hidden).await;
    let left = [from[0].clone(), from[2].clone()];
    assert_whole(&archive, &left).await;
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_gone(&archive, &hidden).await;
    assert_whole(&archive, &left).await;
    undo(&archive, &to[0].study).await;
    assert_whole(&archive, &from).await;
    assert_whole(&archive, &to).await;
    archive.close().await;
}

async fn what_is_rejected_is_deleted_without_another_reason(home: Home) {
    let archive = home.open().await;
    let (all, actor) = (Scope::All, Actor::system());
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    reject(&archive, one(&sent[0])).await;
    let refused = archive.delete_rejected(&all, &actor, &study(&sent[0])).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_whole(&archive, &sent[1..]).await;
    assert_eq!(archive.delete_rejected(&all, &actor, &one(&sent[0])).await.unwrap(), 1);
    reject(&archive, one(&sent[1])).await;
    assert_eq!(archive.delete_rejected(&all, &actor, &study(&sent[0])).await.unwrap(), 1);
    let acts = storage::acts::of_subject(archive.database(), sent[0].study.as_str(), 10).await.unwrap();
    assert_eq!(acts[0].reason.as_deref(), Some("Rejected for Quality Reasons"));
    let restored = archive.restore(&all, &actor, &study(&sent[0]), "wrongly rejected").await;
    assert!(matches!(restored, Err(Error::NotFound)), "{restored:?}");
    home.clock.set_ms(home.clock.now_ms() + 1);
    send_all(&archive, &sent).await;
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

async fn only_what_is_in_scope_is_rejected(home: Home) {
    let archive = home.open().await;
    let sent = slices(1, 1);
    send_all(&archive, &sent).await;
    let (elsewhere, actor) = (Scope::Facilities(vec!["B".to_owned()]), Actor::system());
    for subject in [study(&sent[0]), Subject::Series(sent[0].series.clone()), one(&sent[0])] {
        let refused = archive.reject(&elsewhere, &actor, &subject, Rejection::PatientSafety).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    }
    assert_whole(&archive, &sent).await;
    reject(&archive, study(&sent[0])).await;
    let refused = archive.restore(&elsewhere, &actor, &study(&sent[0]), "wrongly rejected").await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    let mut query = Query::new(Level::Instance);
    query.add(&[tags::SOP_INSTANCE_UID], pacs_core::VR::UI, sent[0].uid.as_str()).unwrap();
    let found: Vec<_> =
        storage::query::find(archive.database(), &query, &Scope::All).try_collect().await.unwrap();
    assert!(found.is_empty());
    archive.close().await;
}

async fn what_is_rejected_is_listed_by_the_act_wherever_it_went(home: Home) {
    let archive = home.open().await;
    let (first, second, third) = (slices(4, 1), slices(3, 2), slices(4, 3));
    let apart = in_series(&first[3], "1.2.97");
    send_all(&archive, &[&first[..3], std::slice::from_ref(&apart), &second[..]].concat()).await;
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    let listed = async || {
        let page = listing::studies(archive.database(), &Scope::All, None, 10).await.unwrap();
        page.items.into_iter().map(|row| (row.study.uid, row.instances)).collect::<Vec<_>>()
    };
    // A series that was a study of its own when that was rejected.
    tick();
    let series = What::Series(vec![apart.series.clone()]);
    let split = move_(&archive, &first[0].study, series, Target::New).await;
    tick();
    assert_eq!(reject(&archive, Subject::Study(split.study)).await, 1);
    tick();
    undo_newest(&archive, &first[0].study).await;
    assert_eq!(listed().await, [(first[0].study.clone(), 1)]);
    // An image that was in a series which is no more.
    let what = What::Instances(vec![second[1].uid.clone()]);
    move_(&archive, &second[0].study, what, Target::Study(first[0].study.clone())).await;
    let place = archive.locate_instance(&Scope::All, None, None, &second[1].uid).await.unwrap().unwrap();
    tick();
    assert_eq!(reject(&archive, Subject::Series(place.series_uid)).await, 1);
    tick();
    undo_newest(&archive, &second[0].study).await;
    let two = [(second[0].study.clone(), 1), (first[0].study.clone(), 1)];
    assert_eq!(listed().await, two);
    // A study that was parted after it was rejected: both parts, and on one page.
    let aside = [in_series(&third[2], "1.2.96"), in_series(&third[3], "1.2.96")];
    send_all(&archive, &[&third[..1], &aside[..1]].concat()).await;
    tick();
    assert_eq!(reject(&archive, study(&third[0])).await, 2);
    tick();
    send_all(&archive, &[&third[1..2], &aside[1..]].concat()).await;
    tick();
    let series = What::Series(vec![aside[0].series.clone()]);
    let parted = move_(&archive, &third[0].study, series, Target::New).await;
    let mut all = listed().await;
    assert_eq!(all.split_off(2), two);
    all.sort_unstable();
    let mut parts = [(third[0].study.clone(), 1), (parted.study, 1)];
    parts.sort_unstable();
    assert_eq!(all, parts);
    let mut sizes = Vec::new();
    let mut before = None;
    loop {
        let page = listing::studies(archive.database(), &Scope::All, before, 1).await.unwrap();
        sizes.push(page.items.len());
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 1, 1]);
    archive.close().await;
}

async fn what_is_rejected_is_listed_where_it_is_now(home: Home) {
    let archive = home.open().await;
    let (parts, two, three) = (slices(3, 1), slices(2, 2), slices(2, 3));
    for sent in [&parts, &two, &three] {
        send_all(&archive, sent).await;
    }
    let listed = async |scope: &Scope| {
        let page = listing::studies(archive.database(), scope, None, 10).await.unwrap();
        let row = |row: listing::RejectedStudy| (row.study.uid, row.instances, row.study.instance_count);
        (page.items.into_iter().map(row).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(listed(&Scope::All).await, (Vec::new(), None));
    reject(&archive, study(&two[0])).await;
    reject(&archive, one(&parts[0])).await;
    // Of several rejections in a study the newest says where it stands, and each study stands there once.
    reject(&archive, one(&parts[1])).await;
    let (first, second) = ((parts[0].study.clone(), 2, 1), (two[0].study.clone(), 2, 0));
    assert_eq!(listed(&Scope::All).await, (vec![first.clone(), second.clone()], None));
    assert_eq!(listed(&Scope::Facilities(vec!["ELSEWHERE".into()])).await, (Vec::new(), None));
    let page = listing::studies(archive.database(), &Scope::All, None, 1).await.unwrap();
    assert_eq!((page.items.len(), &page.items[0].study.uid), (1, &first.0));
    assert_eq!(page.items[0].newest.reason, Some(Rejection::Quality));
    let page = listing::studies(archive.database(), &Scope::All, page.next, 1).await.unwrap();
    assert_eq!((page.items[0].study.uid.clone(), page.next), (second.0.clone(), None));
    let (line, series) =
        listing::of_study(archive.database(), &Scope::All, &second.0).await.unwrap().unwrap();
    assert_eq!((line.instance_count, series.len()), (0, 1));
    assert_eq!(
        (series[0].instances, series[0].shown, series[0].uid.as_str()),
        (2, 0, two[0].series.as_str())
    );

    // A series goes to another study with what is rejected in it, and is listed there.
    let what = What::Series(vec![parts[0].series.clone()]);
    move_(&archive, &parts[0].study, what, Target::Study(three[0].study.clone())).await;
    let moved = (three[0].study.clone(), 2, 3);
    assert_eq!(listed(&Scope::All).await.0, [moved.clone(), second.clone()]);
    undo_newest(&archive, &parts[0].study).await;
    assert_eq!(listed(&Scope::All).await.0, [first, second]);
    restore(&archive, study(&two[0])).await;
    restore(&archive, study(&parts[0])).await;
    assert!(listed(&Scope::All).await.0.is_empty());
    archive.close().await;
}
