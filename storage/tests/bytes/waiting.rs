//! On PostgreSQL one waits for another, and then has to see what the other has done.

use std::time::Duration;

use pacs_core::access::{Actor, Scope};
use storage::Archive;
use storage::corrections::{Target, What};
use storage::database::Durability;
use storage::exams::linking;

use crate::backends::Home;
use crate::correcting::newest_act;
use crate::moving::{counts, in_series, merge, move_, names, patient, undo_newest};
use crate::rebuilding::ordered;
use crate::samples::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_waited_for_a_merge_follows_it() {
    let Some(home) = Home::served().await else { return };
    let archive = home.open().await;
    let (sent, into) = (slices(2, 1), slices(1, 2));
    send_all(&archive, &sent[..1]).await;
    send_all(&archive, &into).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    let late = in_series(&sent[1], "1.2.92");
    // The merge waits for this, and the image for the merge.
    let mut held = archive.database().begin(Durability::Batched).await.unwrap();
    let study = sent[0].study.as_str();
    held.fetch("select id from study where uid = $1 for update", vec![study.into()]).await.unwrap();
    let merging = tokio::spawn({
        let (archive, sent, into) = (archive.clone(), sent[0].clone(), into[0].clone());
        async move { merge(&archive, &sent, &into).await }
    });
    waiting(&archive, 1).await;
    let storing = tokio::spawn({
        let (archive, late) = (archive.clone(), late.clone());
        async move { send(&archive, &late).await }
    });
    waiting(&archive, 2).await;
    held.commit().await.unwrap();
    merging.await.unwrap();
    storing.await.unwrap().unwrap();
    let want = [into[0].study.to_string(), late.series.to_string(), patient(&into[0])];
    assert_eq!(names(&archive, &late).await, want);
    archive.close().await;
}

/// Waits until so many wait for a lock.
async fn waiting(archive: &Archive, count: usize) {
    let waits =
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let all = async {
        while archive.database().fetch(waits, vec![]).await.unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("nobody waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undoing_counts_a_study_only_once_it_holds_it() {
    let Some(home) = Home::served().await else { return };
    let archive = home.open().await;
    let all = [slices(2, 1), slices(1, 2), slices(1, 3), slices(1, 4)];
    let series = in_series(&all[0][1], "1.2.87");
    send_all(&archive, std::slice::from_ref(&series)).await;
    for sent in &all {
        send_all(&archive, &sent[..1]).await;
    }
    let [first, home_of_it, third, last] = [0, 1, 2, 3].map(|at: usize| all[at][0].study.clone());
    let what = || What::Series(vec![series.series.clone()]);
    move_(&archive, &first, what(), Target::Study(home_of_it.clone())).await;
    move_(&archive, &home_of_it, what(), Target::Study(third.clone())).await;
    move_(&archive, &third, what(), Target::Study(last.clone())).await;
    undo_newest(&archive, &home_of_it).await;
    assert_eq!(names(&archive, &series).await[0], last.to_string());
    // It goes back to a study that is neither the one it was moved from last nor the one it was moved to; to
    // which an image comes meanwhile.
    let mut held = archive.database().begin(Durability::Batched).await.unwrap();
    let other = &all[1][0];
    for sql in [
        "insert into instance (uid, series_id, class, transfer_syntax, segment_id, offset_bytes, length_bytes,
             head_bytes, hash, received_ms)
         select '1.2.86', series_id, class, transfer_syntax, segment_id, offset_bytes + 1, length_bytes, head_bytes,
             hash, received_ms from instance where uid = $1",
        "update series set instance_count = instance_count + 1
         where id = (select series_id from instance where uid = $1)",
        "update study set instance_count = instance_count + 1
         where id = (select s.study_id from series s join instance i on i.series_id = s.id where i.uid = $1)",
    ] {
        assert_eq!(held.execute(sql, vec![(&other.uid).into()]).await.unwrap(), 1);
    }
    let act = archive.act(newest_act(&archive, third.as_str()).await).await.unwrap();
    let undoing = tokio::spawn({
        let archive = archive.clone();
        async move { archive.undo(&Scope::All, &Actor::system(), &act, None).await }
    });
    waiting(&archive, 1).await;
    held.commit().await.unwrap();
    undoing.await.unwrap().unwrap();
    assert_eq!(names(&archive, &series).await[0], home_of_it.to_string());
    assert_eq!(counts(&archive, &home_of_it).await, Some((2, 3)));
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undoing_that_waits_for_an_exam_keeps_nobody_from_telling() {
    let Some(home) = Home::served().await else { return };
    let archive = home.open().await;
    let (all, actor, db) = (Scope::All, Actor::system(), archive.database());
    let mut two = [slices(1, 1), slices(1, 2)];
    // Studies are settled in the order of their UIDs: the one whose exam is waited for comes second.
    two.sort_by_key(|sent| sent[0].study.to_string());
    let [into, merged] = &two;
    let exams = [ordered(&archive, "X1").await, ordered(&archive, "X2").await];
    for (sent, exam) in two.iter().zip(&exams) {
        send_all(&archive, sent).await;
        linking::link(db, &all, &actor, &sent[0].study, exam.id, None, home.clock.now_ms()).await.unwrap();
    }
    home.clock.set_ms(home.clock.now_ms() + 1);
    merge(&archive, &merged[0], &into[0]).await;
    let mut held = db.begin(Durability::Batched).await.unwrap();
    let sql = "select id from scheduled_step where id = $1 for update";
    held.fetch(sql, vec![exams[1].id.0.into()]).await.unwrap();
    let undoing = tokio::spawn({
        let (archive, study) = (archive.clone(), merged[0].study.clone());
        async move { undo_newest(&archive, &study).await }
    });
    waiting(&archive, 1).await;
    // The lock of the outbox.
    let advisory = "select 1 from pg_locks l join pg_database d on d.oid = l.database
         where l.locktype = 'advisory' and l.objid = 7362 and d.datname = current_database()";
    assert_eq!(
        db.fetch(advisory, vec![]).await.unwrap().len(),
        0,
        "whoever has an event to write would wait too"
    );
    held.commit().await.unwrap();
    undoing.await.unwrap();
    assert_eq!(counts(&archive, &merged[0].study).await, Some((1, 1)));
    archive.close().await;
}
