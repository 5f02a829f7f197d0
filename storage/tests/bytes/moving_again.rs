//! Moves are done again, and taken back again, where rows were lost or come from before.

use pacs_core::access::{Actor, Scope};
use storage::corrections::{Target, What};
use storage::exams::{linking, search};
use storage::{Decision, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::deleting::{an_hour_later, assert_gone, delete};
use crate::moving::{assert_as_sent, counts, in_series, merge, move_, names, patient, undo_newest};
use crate::rebuilding::{ordered, with_empty_rows};
use crate::samples::*;

on_every_backend!(
    what_was_moved_away_outlives_the_deletion_of_the_rest,
    what_was_taken_out_of_a_series_outlives_it,
    series_that_came_late_for_a_merged_study_stay_with_it,
    a_study_is_made_anew_for_what_was_merged_into_it,
    a_move_of_what_another_one_had_made_stands_by_itself,
);

fn tick(home: &Home) {
    home.clock.set_ms(home.clock.now_ms() + 1);
}

async fn what_was_moved_away_outlives_the_deletion_of_the_rest(home: Home) {
    let archive = home.open().await;
    // Settled, in the spool, and in the spool while what it was moved to is settled.
    let groups: Vec<_> = [(1, 2), (3, 4), (5, 6)].map(|(from, to)| (slices(4, from), slices(1, to))).into();
    let mut kept = Vec::new();
    let mut gone = Vec::new();
    for (at, (from, to)) in groups.iter().enumerate() {
        let series = in_series(&from[3], &format!("1.2.80.{at}"));
        send_all(&archive, to).await;
        if at == 2 {
            archive.settle_study(&to[0].study).await.unwrap();
        }
        send_all(&archive, &from[..3]).await;
        send_all(&archive, std::slice::from_ref(&series)).await;
        if at == 0 {
            archive.settle_study(&to[0].study).await.unwrap();
            archive.settle_study(&from[0].study).await.unwrap();
        }
        tick(&home);
        let target = || Target::Study(to[0].study.clone());
        move_(&archive, &from[0].study, What::Series(vec![series.series.clone()]), target()).await;
        move_(&archive, &from[0].study, What::Instances(vec![from[1].uid.clone()]), target()).await;
        tick(&home);
        assert_eq!(delete(&archive, Subject::Study(from[0].study.clone())).await, 2);
        for instance in [&series, &from[1], &to[0]] {
            kept.push((instance.clone(), names(&archive, instance).await));
        }
        gone.extend([from[0].clone(), from[2].clone()]);
    }
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        for (instance, want) in &kept {
            let found = archive.locate_instance(&Scope::All, None, None, &instance.uid).await.unwrap();
            assert!(found.is_some(), "{time}: {} is lost", instance.uid);
            assert_eq!(names(&archive, instance).await, *want, "{time}");
        }
        assert_gone(&archive, &gone).await;
        for (from, _) in &groups {
            assert_eq!(counts(&archive, &from[0].study).await, None, "{time}");
        }
    }
    an_hour_later(&home);
    archive.settle_due().await.unwrap();
    archive.tidy().await.unwrap();
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    for (instance, want) in &kept {
        assert_eq!(names(&archive, instance).await, *want);
    }
    archive.close().await;
}

async fn what_was_taken_out_of_a_series_outlives_it(home: Home) {
    let archive = home.open().await;
    let (from, to) = (slices(3, 1), slices(1, 2));
    send_all(&archive, &from).await;
    send_all(&archive, &to).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let what = What::Instances(vec![from[1].uid.clone()]);
    move_(&archive, &from[0].study, what, Target::Study(to[0].study.clone())).await;
    tick(&home);
    assert_eq!(delete(&archive, Subject::Series(from[0].series.clone())).await, 2);
    let want = names(&archive, &from[1]).await;
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_gone(&archive, &[from[0].clone(), from[2].clone()]).await;
    assert_eq!(names(&archive, &from[1]).await, want);
    // What is deleted where it was moved to is deleted.
    tick(&home);
    delete(&archive, Subject::Study(to[0].study.clone())).await;
    archive.close().await;
    drop(archive);
    let home = with_empty_rows_once_more(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_gone(&archive, &from).await;
    archive.close().await;
}

async fn with_empty_rows_once_more(home: Home) -> Home {
    let mut home = with_empty_rows(home).await;
    if home.config.database_url.starts_with("sqlite") {
        home.config.database_url = format!("sqlite://{}", home.dir.path().join("newest.db").display());
    }
    home
}

async fn series_that_came_late_for_a_merged_study_stay_with_it(home: Home) {
    let archive = home.open().await;
    let (merged, into) = (slices(3, 1), slices(1, 2));
    send_all(&archive, &merged[..1]).await;
    send_all(&archive, &into).await;
    tick(&home);
    merge(&archive, &merged[0], &into[0]).await;
    tick(&home);
    let late = [in_series(&merged[1], "1.2.91"), in_series(&merged[2], "1.2.90")];
    for instance in &late {
        let decision = send(&archive, instance).await.unwrap().decision;
        assert_eq!(decision, Decision::Accepted { doubt: false });
    }
    home.rest();
    archive.settle_due().await.unwrap();
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        for instance in late.iter().chain(&merged[..1]) {
            let want = [into[0].study.to_string(), instance.series.to_string(), patient(&into[0])];
            assert_eq!(names(&archive, instance).await, want, "{time}");
        }
        assert_eq!(counts(&archive, &merged[0].study).await, None, "{time}");
        assert_eq!(counts(&archive, &into[0].study).await, Some((4, 4)), "{time}");
    }
    undo_newest(&archive, &merged[0].study).await;
    assert_as_sent(&archive, &late).await;
    assert_as_sent(&archive, &merged[..1]).await;
    archive.close().await;
}

async fn a_study_is_made_anew_for_what_was_merged_into_it(home: Home) {
    let archive = home.open().await;
    let exam = ordered(&archive, "X1").await;
    let (merged, into) = (slices(2, 1), slices(1, 2));
    send_all(&archive, &merged).await;
    send_all(&archive, &into).await;
    home.rest();
    archive.settle_due().await.unwrap();
    merge(&archive, &merged[0], &into[0]).await;
    tick(&home);
    let (all, actor) = (Scope::All, Actor::system());
    let now_ms = home.clock.now_ms();
    linking::link(archive.database(), &all, &actor, &into[0].study, exam.id, None, now_ms).await.unwrap();
    delete(&archive, Subject::Series(into[0].series.clone())).await;
    let want = names(&archive, &merged[0]).await;
    assert_eq!(want[0], into[0].study.to_string());
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    ordered(&archive, "X1").await;
    archive.reindex(|_| {}).await.unwrap();
    assert_eq!(names(&archive, &merged[0]).await, want);
    assert_eq!(counts(&archive, &into[0].study).await, Some((1, 2)));
    let line = search::study(archive.database(), &all, &into[0].study).await.unwrap().unwrap();
    assert!(line.exam.is_some(), "what was said of it stands");
    archive.close().await;
}

async fn a_move_of_what_another_one_had_made_stands_by_itself(home: Home) {
    let archive = home.open().await;
    let (sent, third) = (slices(2, 1), slices(1, 3));
    let other = in_series(&sent[1], "1.2.89");
    send_all(&archive, &sent[..1]).await;
    send_all(&archive, std::slice::from_ref(&other)).await;
    send_all(&archive, &third).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let what = || What::Series(vec![other.series.clone()]);
    let split = move_(&archive, &sent[0].study, what(), Target::New).await;
    tick(&home);
    move_(&archive, &split.study, what(), Target::Study(third[0].study.clone())).await;
    tick(&home);
    undo_newest(&archive, &sent[0].study).await;
    let want = names(&archive, &other).await;
    assert_eq!(want[0], third[0].study.to_string());
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_eq!(names(&archive, &other).await, want);
    archive.close().await;
}

/// Rows from before a move was taken back, as a restored backup has them.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_after_the_backup_is_taken_back_in_its_rows() {
    let mut home = Home::embedded();
    let archive = home.open().await;
    let (merged, into, taken) = (slices(2, 1), slices(1, 2), slices(3, 3));
    for sent in [&merged, &into, &taken] {
        send_all(&archive, sent).await;
    }
    home.rest();
    archive.settle_due().await.unwrap();
    merge(&archive, &merged[0], &into[0]).await;
    let what = What::Instances(vec![taken[1].uid.clone()]);
    move_(&archive, &taken[0].study, what, Target::Study(into[0].study.clone())).await;
    archive.close().await;
    drop(archive);
    let backup = home.dir.path().join("backup.db");
    std::fs::copy(home.dir.path().join("sen.db"), &backup).unwrap();
    let archive = home.open().await;
    tick(&home);
    undo_newest(&archive, &merged[0].study).await;
    undo_newest(&archive, &taken[0].study).await;
    archive.close().await;
    drop(archive);

    home.config.database_url = format!("sqlite://{}", backup.display());
    let archive = home.open().await;
    assert_eq!(names(&archive, &merged[0]).await[0], into[0].study.to_string());
    archive.index_newer(|_| {}).await.unwrap();
    let all: Vec<Instance> = [merged.clone(), into.clone(), taken.clone()].concat();
    assert_as_sent(&archive, &all).await;
    for (sent, want) in [(&merged, (1, 2)), (&into, (1, 1)), (&taken, (1, 3))] {
        assert_eq!(counts(&archive, &sent[0].study).await, Some(want));
    }
    let late = in_series(&slices(3, 1)[2], "1.2.88");
    send_all(&archive, std::slice::from_ref(&late)).await;
    assert_as_sent(&archive, &[late]).await;
    archive.close().await;
}
