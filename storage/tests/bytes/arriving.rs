//! Instances on their way in.

use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pacs_core::ingest::RefusalKind;
use pacs_core::uids;
use storage::{Archive, Config, Decision, Error, Version};

use crate::backends::{Home, on_every_backend};
use crate::samples::*;

on_every_backend!(
    what_was_sent_is_what_is_kept,
    the_same_again_is_a_duplicate_and_other_content_a_conflict,
    what_cannot_be_kept_is_refused_and_leaves_no_trace,
    many_at_once_are_all_kept,
    one_spool_has_one_process_and_one_archive_one_node,
);

async fn what_was_sent_is_what_is_kept(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    assert_whole(&archive, &sent).await;
    let found =
        archive.locate_series(&pacs_core::access::Scope::All, &sent[0].study, &sent[0].series).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].received_ms, crate::backends::START_MS);

    let listed = Command::new("tar").arg("tf").args(home.segments()).output().unwrap();
    assert!(listed.status.success() && listed.stderr.is_empty(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    for instance in &sent {
        let name = format!("{}/{}/{}.dcm", instance.study, instance.series, instance.uid);
        assert!(listed.lines().any(|line| line == name), "{name} is not in {listed}");
    }
    archive.close().await;
}

async fn the_same_again_is_a_duplicate_and_other_content_a_conflict(home: Home) {
    let archive = home.open().await;
    let first = &slices(1, 1)[0];
    send_all(&archive, std::slice::from_ref(first)).await;
    let before = archive.spool_bytes();
    assert_eq!(send(&archive, first).await.unwrap().decision, Decision::Duplicate);
    until("the duplicate's room is given back", || archive.spool_bytes() == before).await;

    let mut other = first.clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::New));
    let before = archive.spool_bytes();
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::Duplicate));
    until("the repeated version's room is given back", || archive.spool_bytes() == before).await;
    assert_whole(&archive, std::slice::from_ref(first)).await;
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (2, 0), "both contents are kept");
    archive.close().await;
}

async fn what_cannot_be_kept_is_refused_and_leaves_no_trace(home: Home) {
    let archive = home.open().await;
    let good = slices(1, 1).remove(0);
    let kind = |error: Error| match error {
        Error::Refused(refusal) => refusal.kind,
        other => panic!("{other:?}"),
    };
    let mut noise = good.clone();
    let from = noise.dataset_offset;
    noise.bytes[from..].fill(0xA5);
    assert_eq!(kind(send(&archive, &noise).await.unwrap_err()), RefusalKind::NotADataSet);

    let mut empty = good.clone();
    empty.bytes.truncate(from);
    assert!(matches!(send(&archive, &empty).await.unwrap_err(), Error::Refused(_)));

    let mut other = good.clone();
    other.uid = uid("1.2.3");
    assert_eq!(kind(send(&archive, &other).await.unwrap_err()), RefusalKind::Mismatch);

    let mut large = large("77", 3 << 20);
    large.class = uid(uids::CT_IMAGE_STORAGE);
    assert_eq!(kind(send(&archive, &large).await.unwrap_err()), RefusalKind::Mismatch);
    until("nothing of the large one is left", || archive.spool_bytes() == 0).await;
    archive.close().await;
}

async fn many_at_once_are_all_kept(home: Home) {
    let archive = home.open().await;
    let series: Vec<_> = (1..=6).map(|seed| slices(12, seed)).collect();
    let sending = series.iter().map(|sent| send_all(&archive, sent));
    futures::future::join_all(sending).await;
    for sent in &series {
        assert_whole(&archive, sent).await;
    }
    assert!(home.segments().len() <= 6, "no more segments than instances at once");
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_instance_streams_through_a_segment_of_its_own() {
    let home = Home::embedded();
    let archive = home.open().await;
    let small = slices(1, 1);
    send_all(&archive, &small).await;
    let instance = large("70", 70 << 20);
    send_all(&archive, std::slice::from_ref(&instance)).await;
    assert_whole(&archive, &small).await;
    assert_whole(&archive, std::slice::from_ref(&instance)).await;
    let sizes: Vec<u64> = home.segments().iter().map(|path| path.metadata().unwrap().len()).collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().any(|size| *size < 1 << 20), "{sizes:?}: nothing is left where it began");
    assert_eq!(sizes.iter().sum::<u64>(), archive.spool_bytes());
    assert_eq!(send(&archive, &instance).await.unwrap().decision, Decision::Duplicate);
    until("the second copy is gone", || home.segments().len() == 2).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_instance_leaves_no_trace() {
    let home = Home::embedded();
    let archive = home.open().await;
    let instance = large("71", 5 << 20);
    let mut incoming = archive.begin(envelope(&instance)).await.unwrap();
    incoming.write(Bytes::copy_from_slice(&instance.dataset()[..4 << 20])).await.unwrap();
    drop(incoming);
    until("what was written is cut away", || {
        archive.spool_bytes() == 0 && home.segments().iter().all(|path| path.metadata().unwrap().len() == 0)
    })
    .await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_watermark_the_sender_is_told_to_come_later() {
    let mut home = Home::embedded();
    home.config.spool_limit_bytes = 200 << 10;
    let archive = home.open().await;
    let sent = slices(40, 1);
    let mut kept = 0;
    let refused = loop {
        match send(&archive, &sent[kept]).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert!(kept > 5 && archive.spool_bytes() < 300 << 10, "{kept}");
    let large = large("72", 2 << 20);
    assert!(matches!(send(&archive, &large).await, Err(Error::Unavailable(_))));

    archive.settle_study(&sent[0].study).await.unwrap();
    send_all(&archive, &sent[kept..kept + 1]).await;
    assert_whole(&archive, &sent[..kept + 1]).await;
    archive.close().await;
}

async fn one_spool_has_one_process_and_one_archive_one_node(home: Home) {
    let archive = home.open().await;
    let refused = |opened: Result<Archive, Error>| matches!(opened.err(), Some(Error::Unavailable(_)));
    assert!(refused(home.open_as(home.config.clone()).await), "the same spool");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Config { node: "2".into(), spool_dir: elsewhere.path().join("spool"), ..home.config.clone() };
    assert!(refused(home.open_as(other.clone()).await), "another node");
    archive.close().await;
    drop(archive);
    let after_an_orderly_end = home.open_as(other.clone()).await.unwrap();
    drop(after_an_orderly_end);

    assert!(refused(home.open_as(home.config.clone()).await), "the lease of a node that crashed");
    home.clock.set_ms(home.clock.now_ms() + 31_000);
    home.open().await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rows_nothing_is_acknowledged_and_what_comes_back_is_harmless() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent[..1]).await;
    // SQLite has one writer: while somebody holds it no row is written.
    let held = archive.database().begin(storage::database::Durability::Synced).await.unwrap();
    let unanswered =
        tokio::time::timeout(Duration::from_millis(300), send(&archive, &sent[1])).await.is_err();
    drop(held);
    assert!(unanswered);
    drop(archive);
    let archive = home.open().await;
    assert_whole(&archive, &sent).await;
    assert_eq!(send(&archive, &sent[1]).await.unwrap().decision, Decision::Duplicate);
    archive.close().await;
}

/// Waits for something that happens in the background.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::task::yield_now().await;
    }
}
