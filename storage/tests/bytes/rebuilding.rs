//! An index made anew from what is kept.

use pacs_core::access::Scope;
use pacs_core::{tags, uids};
use storage::Decision;
use storage::acts::{self, NewAct};
use storage::database::Durability;

use crate::backends::{Home, on_every_backend};
use crate::samples::*;

on_every_backend!(the_index_comes_back_from_packs_and_spool, acts_come_back_from_the_journal);

/// A home with the same objects and spool, and a database with nothing in it.
async fn with_empty_rows(home: Home) -> Home {
    let mut home = home;
    home.config.database_url = if home.config.database_url.starts_with("sqlite") {
        format!("sqlite://{}", home.dir.path().join("new.db").display())
    } else {
        Home::served().await.unwrap().config.database_url
    };
    home
}

async fn the_index_comes_back_from_packs_and_spool(home: Home) {
    let archive = home.open().await;
    let settled = slices(5, 1);
    send_all(&archive, &settled).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let spooled = slices(3, 2);
    send_all(&archive, &spooled).await;
    let before = archive.header(&place(&archive, &settled[0]).await).await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert_whole(&archive, &spooled).await;
    let gone = archive.locate_series(&Scope::All, &settled[0].study, &settled[0].series).await.unwrap();
    assert!(gone.is_empty());
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.packs, report.added, report.present, report.damaged), (1, 5, 0, 0));
    assert_whole(&archive, &settled).await;
    let after = place(&archive, &settled[0]).await;
    assert_eq!(after.received_ms, crate::backends::START_MS);
    assert_eq!(*archive.header(&after).await.unwrap(), *before);
    let again = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((again.packs, again.added, again.present), (1, 0, 5), "a second time changes nothing");
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (8, 0));
    archive.close().await;
}

/// Backups are taken one after the other: the rows of one may tell of segments that were freed
/// before the spool was copied.
#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_the_spool_find_their_instances_in_packs() {
    let mut home = Home::embedded();
    let archive = home.open().await;
    let named = |name: &'static str| {
        made("7", uids::EXPLICIT_VR_LITTLE_ENDIAN, |set| set.put_text(tags::STUDY_DESCRIPTION, name), &[])
    };
    let mut sent = slices(5, 1);
    sent.push(named("first"));
    send_all(&archive, &sent).await;
    // A version that is kept and not served.
    assert_eq!(send(&archive, &named("second")).await.unwrap().decision, Decision::Conflict);
    archive.close().await;
    drop(archive);
    let backup = home.dir.path().join("backup.db");
    std::fs::copy(home.dir.path().join("sen.db"), &backup).unwrap();
    let archive = home.open().await;
    home.rest();
    archive.settle_due().await.unwrap();
    assert!(home.segments().is_empty());
    archive.close().await;
    drop(archive);

    home.config.database_url = format!("sqlite://{}", backup.display());
    let archive = home.open().await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 7, "their segment is gone");
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.added, report.present), (0, 7), "{report:?}");
    assert_whole(&archive, &sent).await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

async fn acts_come_back_from_the_journal(home: Home) {
    let archive = home.open().await;
    let act = |reason: &'static str| NewAct {
        kind: "study.link",
        actor: "user:1",
        subject_kind: "study",
        subject_uid: "1.2.3",
        reason: Some(reason),
        before: None,
        after: Some(serde_json::json!({ "step": 7 })),
        undoes: None,
    };
    let record = async |archive: &storage::Archive, reason| {
        let mut tx = archive.database().begin(Durability::Synced).await.unwrap();
        acts::record(&mut tx, &act(reason), 5).await.unwrap();
        tx.commit().await.unwrap();
    };
    record(&archive, "one").await;
    record(&archive, "two").await;
    archive.tidy().await.unwrap();
    record(&archive, "three").await;
    archive.tidy().await.unwrap();
    archive.tidy().await.unwrap();
    let before = acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 3);
    assert_eq!(acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap(), before);
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 0);
    record(&archive, "four").await;
    assert_eq!(acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap()[0].id, before[0].id + 1);
    archive.close().await;
}
