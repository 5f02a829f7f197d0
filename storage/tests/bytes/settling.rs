//! From the spool into packs.

use std::process::Command;

use futures::StreamExt;
use pacs_core::access::Scope;
use storage::events::{self, EventKind};
use storage::verify::damage;
use storage::{Archive, Decision, Encoding, SettleReport, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::samples::*;

on_every_backend!(
    a_series_is_settled_once_it_has_rested,
    late_images_make_another_pack,
    versions_are_settled_too,
    readers_and_places_from_before_still_serve,
);

async fn a_series_is_settled_once_it_has_rested(home: Home) {
    let archive = home.open().await;
    let sent = slices(5, 1);
    send_all(&archive, &sent).await;
    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default(), "it has not rested");
    let before = metadata(&archive, &sent[0]).await;

    home.rest();
    let report = archive.settle_due().await.unwrap();
    assert_eq!((report.packs, report.instances, report.damaged), (1, 5, 0));
    assert_eq!(archive.spool_bytes(), 0);
    assert!(home.segments().is_empty());
    assert_whole(&archive, &sent).await;
    assert_eq!(metadata(&archive, &sent[0]).await, before);
    let events = storage::events::since(archive.database(), 0, 100).await.unwrap();
    let settled = events.iter().filter(|event| event.kind == storage::events::EventKind::SeriesSettled);
    assert_eq!(
        settled.map(|event| event.series_uid.as_deref()).collect::<Vec<_>>(),
        [Some(sent[0].series.as_str())]
    );

    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default(), "there is nothing left");
    assert_eq!(send(&archive, &sent[0]).await.unwrap().decision, Decision::Duplicate);
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (5, 0));
    archive.close().await;
}

async fn late_images_make_another_pack(home: Home) {
    let archive = home.open().await;
    let sent = slices(6, 1);
    send_all(&archive, &sent[..4]).await;
    assert_eq!(archive.settle_study(&sent[0].study).await.unwrap().instances, 4);
    let before =
        archive.series_metadata(&Scope::All, &sent[0].study, &sent[0].series, "http://x").await.unwrap();
    send_all(&archive, &sent[4..]).await;
    let after =
        archive.series_metadata(&Scope::All, &sent[0].study, &sent[0].series, "http://x").await.unwrap();
    assert_ne!(before.etag(Encoding::Identity), after.etag(Encoding::Identity));
    assert_eq!(metadata(&archive, &sent[0]).await.len(), 6, "of the pack and of the spool");
    assert_eq!(archive.settle_study(&sent[0].study).await.unwrap().instances, 2);
    assert_whole(&archive, &sent).await;
    assert_eq!(metadata(&archive, &sent[0]).await.len(), 6);
    archive.close().await;
}

async fn versions_are_settled_too(home: Home) {
    let archive = home.open().await;
    let first = slices(1, 1).remove(0);
    send_all(&archive, std::slice::from_ref(&first)).await;
    archive.settle_study(&first.study).await.unwrap();
    let mut other = first.clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::New));
    home.rest();
    assert_eq!(archive.settle_due().await.unwrap().instances, 1);
    assert!(home.segments().is_empty());
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (2, 0));
    archive.close().await;
}

async fn readers_and_places_from_before_still_serve(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    let found = place(&archive, &sent[0]).await;
    let reader = archive.open_instance(&found).await.unwrap();
    archive.settle_study(&sent[0].study).await.unwrap();
    assert!(home.segments().is_empty());
    let open = reader.read(0..reader.length_bytes()).await.unwrap();
    assert!(open == sent[0].bytes, "what was open stays readable");
    assert!(bytes_of(&archive, &found).await == sent[0].bytes, "a place that is gone is looked up again");
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_a_tar_of_part_10_files() {
    let home = Home::embedded();
    let archive = home.open().await;
    let mut sent = slices(3, 1);
    sent.push(large("73", 20 << 20));
    send_all(&archive, &sent).await;
    home.rest();
    let report = archive.settle_due().await.unwrap();
    assert_eq!((report.packs, report.instances), (2, 4));
    let unpacked = tempfile::tempdir().unwrap();
    for pack in
        files(&home.dir.path().join("objects")).iter().filter(|path| path.extension().unwrap() == "tar")
    {
        let done = Command::new("tar").arg("xf").arg(pack).arg("-C").arg(unpacked.path()).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    }
    for instance in &sent {
        let name = format!("{}/{}/{}.dcm", instance.study, instance.series, instance.uid);
        assert!(std::fs::read(unpacked.path().join(&name)).unwrap() == instance.bytes, "{name}");
    }
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_entry_stays_and_the_others_settle() {
    let home = Home::embedded();
    let archive = home.open().await;
    let all = slices(5, 1);
    let (sent, late) = all.split_at(4);
    send_all(&archive, sent).await;
    let bad = place(&archive, &sent[2]).await;
    let at = bad.place.offset_bytes + bad.place.length_bytes - 9;
    flip(&home.segments()[0], at);
    home.rest();
    let report = archive.settle_due().await.unwrap();
    assert_eq!((report.instances, report.damaged), (3, 1));
    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default(), "it is not tried over and over");
    // Nobody has to verify for that to be known.
    let damaged = damage::list(archive.database(), &Scope::All, 10).await.unwrap();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert_eq!(damaged[0].instance, sent[2].uid);
    assert!(damaged[0].why.starts_with("differs: "), "{damaged:?}");
    assert_eq!(archive.verification().await.unwrap().damaged, 1);
    let whole: Vec<_> = [0, 1, 3].map(|at| sent[at].clone()).to_vec();
    assert_whole(&archive, &whole).await;
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (4, 1));
    assert_eq!(report.named[0].0, sent[2].uid);
    assert_eq!(home.segments().len(), 1, "the damaged bytes are kept");
    // What comes later to the series is not left with it.
    send_all(&archive, late).await;
    home.rest();
    let report = archive.settle_due().await.unwrap();
    assert_eq!((report.instances, report.damaged), (1, 1));
    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default());
    archive.close().await;
    drop(archive);

    let archive = home.open().await;
    assert_eq!(archive.settle_due().await.unwrap().damaged, 1, "a start tries once more");
    let all = events::since(archive.database(), 0, 1000).await.unwrap();
    let told = all.iter().filter(|event| event.kind == EventKind::InstanceDamaged).count();
    assert_eq!(told, 1, "and tells nothing that is known");
    archive.close().await;
    drop(archive);
    flip(&home.segments()[0], at);
    let archive = home.open().await;
    assert_eq!(archive.settle_due().await.unwrap().instances, 1);
    assert_eq!(archive.verification().await.unwrap().damaged, 0, "it was read on its way into the pack");
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_fails_for_good_keeps_no_other_waiting() {
    let home = Home::embedded();
    let archive = home.open().await;
    let bad = slices(1, 1);
    send_all(&archive, &bad).await;
    // A file lies where the folder of its packs has to be.
    let folder = home.dir.path().join("objects/packs").join(bad[0].study.as_str());
    std::fs::create_dir_all(&folder).unwrap();
    let in_the_way = folder.join(bad[0].series.as_str());
    std::fs::write(&in_the_way, "x").unwrap();
    home.rest();
    let alone = archive.settle_due().await;
    assert!(matches!(alone, Err(storage::Error::Unavailable(_))), "the store may be away: {alone:?}");
    for seed in 2..5 {
        let good = slices(2, seed);
        send_all(&archive, &good).await;
        home.rest();
        let report = archive.settle_due().await.unwrap();
        assert_eq!((report.packs, report.instances), (1, 2), "the others are settled, and that is said");
    }
    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default(), "it is left alone");
    assert!(archive.settle_study(&bad[0].study).await.is_err(), "whoever asks for it hears why");
    std::fs::remove_file(in_the_way).unwrap();
    assert_eq!(archive.settle_due().await.unwrap(), SettleReport::default());
    home.clock.set_ms(home.clock.now_ms() + 3_600_001);
    assert_eq!(archive.settle_due().await.unwrap().instances, 1, "and tried again an hour later");
    assert_whole(&archive, &bad).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_was_cut_or_changed_is_found_out() {
    let home = Home::embedded();
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    archive.settle_study(&sent[0].study).await.unwrap();
    let objects = files(&home.dir.path().join("objects"));
    let pack = objects.iter().find(|path| path.extension().unwrap() == "tar").unwrap();
    let last = place(&archive, &sent[2]).await.place;
    std::fs::File::options().write(true).open(pack).unwrap().set_len(last.offset_bytes + 4000).unwrap();
    flip(pack, place(&archive, &sent[1]).await.place.offset_bytes + 5000);
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (3, 2));
    let named: Vec<_> = report.named.iter().map(|(uid, _)| uid).collect();
    assert!(named.contains(&&sent[1].uid) && named.contains(&&sent[2].uid), "{named:?}");
    std::fs::remove_file(pack).unwrap();
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 3);
    archive.close().await;
}

/// The metadata of an instance's series, by SOP Instance UID.
async fn metadata(archive: &Archive, of: &Instance) -> std::collections::BTreeMap<String, serde_json::Value> {
    let found =
        archive.series_metadata(&Scope::All, &of.study, &of.series, "http://pacs/dicomweb").await.unwrap();
    let file = found.open(Encoding::Identity).await.unwrap();
    let chunks: Vec<_> = file.stream().collect().await;
    let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
    assert_eq!(bytes.len() as u64, file.length_bytes());
    let instances: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
    instances.into_iter().map(|one| (one["00080018"]["Value"][0].as_str().unwrap().to_owned(), one)).collect()
}

pub fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

pub fn flip(path: &std::path::Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}
