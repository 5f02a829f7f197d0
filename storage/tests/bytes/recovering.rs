//! What a start finds after a crash.

use std::fs;

use pacs_core::access::Scope;
use storage::database::Durability;
use storage::events::{self, EventKind};
use storage::index::{packs, series};
use storage::verify::damage;
use storage::{Decision, Version};

use crate::backends::{Home, on_every_backend};
use crate::samples::*;
use crate::settling::flip;

on_every_backend!(rows_that_the_database_lost_while_it_served_come_back);

/// A home whose spool was taken over from another one and whose rows are lost.
fn without_rows(from: &Home) -> Home {
    let home = Home::embedded();
    fs::create_dir_all(home.spool()).unwrap();
    for segment in from.segments() {
        fs::copy(&segment, home.spool().join(segment.file_name().unwrap())).unwrap();
    }
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_entries_without_rows_get_them() {
    let first = Home::embedded();
    let archive = first.open().await;
    let mut sent = slices(70, 1);
    sent.push(large("75", 3 << 20));
    send_all(&archive, &sent).await;
    let before = place(&archive, &sent[0]).await;
    archive.close().await;

    let home = without_rows(&first);
    let archive = home.open().await;
    assert_whole(&archive, &sent).await;
    let after = place(&archive, &sent[0]).await;
    assert_eq!((after.received_ms, after.hash, after.place), (before.received_ms, before.hash, before.place));
    assert_eq!(send(&archive, &sent[3]).await.unwrap().decision, Decision::Duplicate);
    home.rest();
    assert_eq!(archive.settle_due().await.unwrap().instances, 71);
    assert_eq!(archive.spool_bytes(), 0);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_cut_wherever_it_was_torn() {
    let first = Home::embedded();
    let archive = first.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let last = place(&archive, &sent[2]).await.place;
    archive.close().await;
    let begins = last.offset_bytes - 2048;
    let ends = last.offset_bytes + last.length_bytes;
    for torn_at in [begins + 1, begins + 512, begins + 2047, begins + 2048, begins + 3000, ends - 1] {
        let home = without_rows(&first);
        let segment = &home.segments()[0];
        fs::File::options().write(true).open(segment).unwrap().set_len(torn_at).unwrap();
        let archive = home.open().await;
        assert_whole(&archive, &sent[..2]).await;
        assert_eq!(segment.metadata().unwrap().len(), begins, "torn at {torn_at}");
        send_all(&archive, &sent[2..]).await;
        assert_whole(&archive, &sent).await;
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_entry_whose_bytes_never_came_is_cut() {
    let first = Home::embedded();
    let archive = first.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let last = place(&archive, &sent[2]).await.place;
    archive.close().await;
    for damaged_at in [last.offset_bytes + last.head_bytes, last.offset_bytes + last.length_bytes - 1] {
        let home = without_rows(&first);
        let segment = &home.segments()[0];
        flip(segment, damaged_at);
        let archive = home.open().await;
        assert_whole(&archive, &sent[..2]).await;
        assert_eq!(segment.metadata().unwrap().len(), last.offset_bytes - 2048);
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_before_instances_with_rows_is_not_cut_away() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let second = place(&archive, &sent[1]).await.place;
    archive.close().await;
    drop(archive);
    let size = home.segments()[0].metadata().unwrap().len();
    flip(&home.segments()[0], second.offset_bytes - 2048 + 3);
    let archive = home.open().await;
    assert_eq!(home.segments()[0].metadata().unwrap().len(), size);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_before_instances_without_rows_is_kept_and_they_get_them() {
    let first = Home::embedded();
    let archive = first.open().await;
    let sent = slices(4, 1);
    send_all(&archive, &sent).await;
    let second = place(&archive, &sent[1]).await.place;
    archive.close().await;
    let size = first.segments()[0].metadata().unwrap().len();
    for damaged_at in [second.offset_bytes - 2048 + 3, second.offset_bytes + second.length_bytes - 9] {
        let home = without_rows(&first);
        flip(&home.segments()[0], damaged_at);
        let archive = home.open().await;
        let whole: Vec<_> = [0, 2, 3].map(|at| sent[at].clone()).to_vec();
        assert_whole(&archive, &whole).await;
        home.rest();
        assert_eq!(archive.settle_due().await.unwrap().instances, 3);
        archive.tidy().await.unwrap();
        assert_eq!(home.segments()[0].metadata().unwrap().len(), size, "what may be an instance is kept");
        send_all(&archive, &sent[1..2]).await;
        assert_whole(&archive, &sent).await;
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_gone_is_told_of_until_it_is_there_again() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let mut other = sent[2].clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::New));
    archive.close().await;
    drop(archive);
    let segment = home.segments().remove(0);
    let aside = home.dir.path().join("aside");
    fs::rename(&segment, &aside).unwrap();
    for _ in 0..2 {
        let archive = home.open().await;
        let damaged = damage::list(archive.database(), &Scope::All, 10).await.unwrap();
        assert_eq!(damaged.len(), 4, "kept versions too: {damaged:?}");
        assert!(damaged.iter().all(|one| one.why.starts_with("gone: ")), "{damaged:?}");
        let all = events::since(archive.database(), 0, 1000).await.unwrap();
        assert_eq!(all.iter().filter(|event| event.kind == EventKind::InstanceDamaged).count(), 4);
        archive.close().await;
    }
    fs::rename(&aside, &segment).unwrap();
    let archive = home.open().await;
    home.rest();
    assert_eq!(archive.settle_due().await.unwrap().instances, 4);
    assert_eq!(damage::count(archive.database()).await.unwrap(), 0);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_a_crash_left_half_way_leaves_no_trace() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    let series = series::id_of(archive.database(), &sent[0].series).await.unwrap().unwrap();
    let mut tx = archive.database().begin(Durability::Synced).await.unwrap();
    packs::begin(&mut tx, series, "packs/1.2/1.2.3/000000000000001-00000001.tar", 1).await.unwrap();
    tx.commit().await.unwrap();
    drop(archive);
    let archive = home.open().await;
    home.rest();
    // Its number is given again, and what was known of it must not be.
    assert_eq!(archive.settle_due().await.unwrap().instances, 2);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_nothing_but_duplicates_goes() {
    let first = Home::embedded();
    let archive = first.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    archive.close().await;
    drop(archive);
    let copy = first.spool().join("00000000000000000001.tar");
    fs::copy(&first.segments()[0], &copy).unwrap();
    let archive = first.open().await;
    assert_eq!(first.segments().len(), 1);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

/// Rows of arriving instances are committed without a sync: a database server that breaks down loses
/// the last of them, while this process goes on.
async fn rows_that_the_database_lost_while_it_served_come_back(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    send_all(&archive, &sent[..3]).await;
    for table in ["instance", "series", "study_word", "study_pair", "study", "segment"] {
        archive
            .database()
            .execute(sqlx::AssertSqlSafe(format!("delete from {table}")), vec![])
            .await
            .unwrap();
    }
    send_all(&archive, &sent[3..]).await;
    home.rest();
    // The one that has a row goes into a pack; its segment is looked through before it goes.
    let report = archive.settle_due().await.unwrap();
    assert_eq!((report.packs, report.instances), (2, 4));
    assert!(home.segments().is_empty());
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_of_many_segments_starts_whole() {
    let home = Home::embedded();
    let sent = slices(40, 1);
    for one in &sent {
        // Each start writes to a segment of its own.
        let archive = home.open().await;
        send_all(&archive, std::slice::from_ref(one)).await;
        archive.close().await;
    }
    assert_eq!(home.segments().len(), sent.len());
    let archive = home.open().await;
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_looks_whether_it_is_open_keeps_nobody_out() {
    let home = Home::embedded();
    home.open().await.close().await;
    let lock = fs::File::open(home.spool().join("lock")).unwrap();
    lock.lock_shared().unwrap();
    let (begun, looked) = std::sync::mpsc::channel();
    let looking = std::thread::spawn(move || {
        looked.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
        drop(lock);
    });
    begun.send(()).unwrap();
    let archive = home.open().await;
    looking.join().unwrap();
    let second = home.open_as(home.config.clone()).await;
    assert!(matches!(second, Err(storage::Error::Unavailable(_))), "it is open");
    archive.close().await;
}
