//! Backups of what cannot be read, into places that others use or that rot, and restores of what is damaged or was done
//! in malice.

use std::path::{Path, PathBuf};

use pacs_core::access::{Actor, Scope};
use pacs_core::non_patient::Kind;
use pacs_core::rejection::Rejection;
use pacs_core::routing::Conditions;
use pacs_core::uids;
use storage::backup::restore;
use storage::backup::{BackupReport, Source, Target, back_up, check, manifest, runs};
use storage::verify::damage;
use storage::{Archive, Error, Subject, routes};
use testdata::Instance;
use tokio_util::sync::CancellationToken;

use crate::backends::{Home, on_every_backend};
use crate::backing_up::{Stubborn, elsewhere, lived_in, open_restored, place_of, put_back, take, target};
use crate::deleting::{assert_gone, delete};
use crate::non_patient::{keep, places, protocol};
use crate::routing::{follow, route};
use crate::samples::*;
use crate::settling::{files, flip};

on_every_backend!(
    snapshots_of_a_trial_restore_push_nothing_out,
    an_archive_is_taken_back_before_an_act,
    a_copy_that_has_rotten_is_made_good,
);

const DAY_MS: i64 = 24 * 3_600_000;

/// Three settled studies, and one in the spool.
async fn four_studies(home: &Home, archive: &Archive) -> Vec<Instance> {
    let all: Vec<_> =
        ["71", "72", "73", "74"].map(|name| made(name, uids::EXPLICIT_VR_LITTLE_ENDIAN, |_| {}, &[])).into();
    for study in &all[..3] {
        send_all(archive, std::slice::from_ref(study)).await;
        home.rest();
        archive.settle_due().await.unwrap();
    }
    send_all(archive, &all[3..]).await;
    all
}

/// The pack of a study below a folder of objects.
fn tar(objects: &Path, study: &Instance) -> PathBuf {
    let found = files(&objects.join("packs").join(study.study.as_str()));
    found.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "tar")).unwrap()
}

/// What nobody can read lies in its place: a socket, which cannot be opened.
fn lose(path: &Path) {
    std::fs::rename(path, path.with_extension("aside")).unwrap();
    // Names of sockets are short.
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    std::fs::rename(socket, path).unwrap();
}

fn find(path: &Path) {
    std::fs::rename(path.with_extension("aside"), path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_and_the_rest_is_backed_up() {
    let home = Home::embedded();
    let archive = home.open().await;
    let all = four_studies(&home, &archive).await;
    let objects = home.dir.path().join("objects");
    let (target, segment) = (target(&home).await, home.segments().remove(0));
    lose(&tar(&objects, &all[0]));
    lose(&segment);
    let report = take(&archive, &target, 3).await.unwrap();
    assert_eq!((report.damaged, report.copied), (2, 5), "{report:?}");
    assert!(report.named.iter().all(|(_, why)| why.starts_with("it cannot be read")), "{report:?}");
    // Once it was copied, the copy is good enough.
    find(&tar(&objects, &all[0]));
    find(&segment);
    assert_eq!(take(&archive, &target, 3).await.unwrap().damaged, 0);
    lose(&tar(&objects, &all[1]));
    assert_eq!(take(&archive, &target, 3).await.unwrap().damaged, 0);
    find(&tar(&objects, &all[1]));
    // Where nothing can be read, there is none.
    std::fs::remove_dir_all(home.dir.path().join("backup/objects")).unwrap();
    all[..3].iter().for_each(|study| lose(&tar(&objects, study)));
    assert!(take(&archive, &target, 3).await.is_err());
    assert_eq!(runs::newest(archive.database(), 1).await.unwrap()[0].state, runs::State::Failed);
    archive.close().await;
}

/// A restore of a target of which some cannot be read comes to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_restored_to_its_end() {
    let home = Home::embedded();
    let archive = home.open().await;
    let all = four_studies(&home, &archive).await;
    for study in &all[1..3] {
        let subject = Subject::Study(study.study.clone());
        archive.reject(&Scope::All, &Actor::system(), &subject, Rejection::Quality).await.unwrap();
    }
    archive.tidy().await.unwrap();
    let target = target(&home).await;
    take(&archive, &target, 3).await.unwrap();
    archive.close().await;
    drop(archive);
    let backup = home.dir.path().join("backup/objects");
    lose(&tar(&backup, &all[0]));
    let journal = files(&backup.join("journal")).remove(0);
    // The first act of two.
    flip(&journal, 1);
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 2);
    let there = Home::embedded();
    let restored = put_back(&there, &target, None).await.unwrap();
    assert_eq!(restored.damaged, 2, "{restored:?}");
    let archive = there.open().await;
    let indexed = archive.index_newer(|_| {}).await.unwrap();
    assert_eq!((indexed.damaged, indexed.acts), (1, 0), "{indexed:?}");
    place_of(&there).finished().await.unwrap();
    assert_whole(&archive, &all[3..]).await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 1);
    archive.close().await;
}

/// Whatever of a target is damaged, its list of objects too, a restore comes to its end and says what.
#[tokio::test(flavor = "multi_thread")]
async fn no_damaged_part_keeps_a_restore_from_ending() {
    let home = Home::embedded();
    let archive = home.open().await;
    follow(&archive).await;
    routes::upsert(archive.database(), &route("CT", "AI", Conditions::default())).await.unwrap();
    let all = four_studies(&home, &archive).await;
    follow(&archive).await;
    archive.tidy().await.unwrap();
    home.rest();
    let target = target(&home).await;
    let snapshot = take(&archive, &target, 3).await.unwrap().snapshot;
    archive.close().await;
    drop(archive);
    let backup = home.dir.path().join("backup");
    let snapshot = backup.join("snapshots").join(&snapshot);
    flip(&files(&backup.join("objects/handed")).remove(0), 1);
    lose(&files(&snapshot.join("spool")).remove(0));
    let list = snapshot.join("objects.gz");
    flip(&list, std::fs::metadata(&list).unwrap().len() / 2);
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 2);
    for as_it_was in [false, true] {
        let there = Home::embedded();
        let place = place_of(&there);
        let restored = restore::restore(&place, &target, None, as_it_was, |_| {}).await.unwrap();
        let named: Vec<&str> = restored.named.iter().filter_map(|(key, _)| key.rsplit('/').next()).collect();
        assert!(restored.damaged == 2 && named.contains(&"objects.gz"), "{restored:?}");
        assert_eq!((restored.objects, restored.newer), (7, 0), "packs with their companions, and the lines");
        let archive = there.open().await;
        if !as_it_was {
            let indexed = archive.index_newer(|_| {}).await.unwrap();
            assert_eq!(indexed.damaged, 1, "{indexed:?}");
        }
        place.finished().await.unwrap();
        assert_whole(&archive, &all[..3]).await;
        let damaged = damage::list(archive.database(), &Scope::All, 10).await.unwrap();
        assert_eq!(damaged.len(), 1, "{damaged:?}");
        assert_eq!(damaged[0].instance, all[3].uid);
        assert!(damaged[0].why.starts_with("gone: "), "{damaged:?}");
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_archives_with_one_name_keep_out_of_each_others_way() {
    let home = Home::embedded();
    let (archive, kept, hidden) = lived_in(&home).await;
    let good = target(&home).await;
    take(&archive, &good, 3).await.unwrap();
    // Somebody tries a restore on another machine, and leaves the configuration as it was.
    let there = Home::embedded();
    there.clock.set_ms(home.clock.now_ms() + 1000);
    put_back(&there, &good, None).await.unwrap();
    let trial = open_restored(&there).await;
    there.clock.set_ms(home.clock.now_ms() + DAY_MS);
    home.clock.set_ms(home.clock.now_ms() + DAY_MS - 60_000);
    std::fs::remove_dir_all(home.dir.path().join("backup/objects")).unwrap();
    let store = Stubborn::over(&home.dir.path().join("backup"), 3, false);
    let taking = {
        let (source, target) = (Source::of(&archive), Target::over(store.clone(), "a stubborn place"));
        tokio::spawn(async move { back_up(&source, &target, 3, &CancellationToken::new(), |_| {}).await })
    };
    store.reached.notified().await;
    let refused = take(&trial, &good, 1).await;
    assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("under way")), "{refused:?}");
    store.go_on.notify_one();
    let report = taking.await.unwrap().unwrap();
    assert_eq!(check::check(&good, Some(&report.snapshot), |_| {}).await.unwrap().damaged, 0);
    // What is tried there is deleted there, and came there.
    delete(&trial, Subject::Study(kept[5].study.clone())).await;
    let pushed = slices(2, 8);
    send_all(&trial, &pushed).await;
    trial.settle_study(&pushed[0].study).await.unwrap();
    let tried_protocol = protocol("1.2.61", "DX");
    keep(&trial, &tried_protocol).await.unwrap();
    let tried = take(&trial, &good, 1).await.unwrap().snapshot;
    trial.close().await;
    archive.close().await;
    drop(archive);
    let unsaid = put_back(&Home::embedded(), &good, None).await;
    assert!(matches!(&unsaid, Err(Error::Conflict(why)) if why.contains("two archives")), "{unsaid:?}");
    let again = Home::embedded();
    let restored = put_back(&again, &good, Some(&report.snapshot)).await.unwrap();
    // The pack with its companion, the act, and the protocol.
    assert_eq!(restored.of_others.values().collect::<Vec<_>>(), [&4], "{restored:?}");
    let archive = open_restored(&again).await;
    assert_whole(&archive, &kept).await;
    assert_gone(&archive, &hidden).await;
    assert_gone(&archive, &pushed).await;
    let protocols =
        async |archive: &Archive| places(archive, Kind::HangingProtocol, &[&tried_protocol]).await.len();
    assert_eq!(protocols(&archive).await, 0);
    archive.close().await;
    let again = Home::embedded();
    let of_trial = put_back(&again, &good, Some(&tried)).await.unwrap();
    assert!(of_trial.of_others.is_empty(), "{of_trial:?}");
    let archive = open_restored(&again).await;
    assert_whole(&archive, &pushed).await;
    assert_gone(&archive, &kept[5..6]).await;
    assert_eq!(protocols(&archive).await, 1);
    archive.close().await;
    // Where the backup of the trial was broken off nothing else tells of it.
    let manifest = home.dir.path().join("backup/snapshots").join(&tried).join("manifest.jsonl");
    std::fs::remove_file(manifest).unwrap();
    let newest = put_back(&Home::embedded(), &good, None).await.unwrap();
    assert_eq!((newest.snapshot, newest.of_others), (report.snapshot, restored.of_others));
}

async fn snapshots_of_a_trial_restore_push_nothing_out(home: Home) {
    let archive = home.open().await;
    four_studies(&home, &archive).await;
    let target = target(&home).await;
    let names = async || -> Vec<String> {
        let mut all = manifest::list(&target).await.unwrap();
        all.retain(|listed| listed.manifest.is_ok());
        all.into_iter().map(|listed| listed.snapshot).collect()
    };
    let (one, two) = (take(&archive, &target, 2).await.unwrap(), take(&archive, &target, 2).await.unwrap());
    let there = elsewhere(&home).await;
    put_back(&there, &target, None).await.unwrap();
    let trial = open_restored(&there).await;
    let mut taken = Vec::new();
    for day in 1..=3 {
        there.clock.set_ms(home.clock.now_ms() + day * DAY_MS);
        taken.push(take(&trial, &target, 2).await.unwrap().snapshot);
    }
    trial.close().await;
    let mut left = vec![taken[2].clone(), taken[1].clone(), two.snapshot.clone(), one.snapshot];
    left[2..].sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(names().await, left);
    // When nobody takes them any more they are as old as they are.
    home.clock.set_ms(home.clock.now_ms() + 40 * DAY_MS);
    let three = take(&archive, &target, 2).await.unwrap();
    assert_eq!(names().await, [three.snapshot, taken[2].clone()]);
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

async fn an_archive_is_taken_back_before_an_act(home: Home) {
    let archive = home.open().await;
    let all = four_studies(&home, &archive).await;
    let target = target(&home).await;
    let before = take(&archive, &target, 9).await.unwrap().snapshot;
    home.rest();
    delete(&archive, Subject::Study(all[0].study.clone())).await;
    let pushed = slices(2, 8);
    send_all(&archive, &pushed).await;
    home.rest();
    archive.settle_due().await.unwrap();
    archive.tidy().await.unwrap();
    home.rest();
    take(&archive, &target, 9).await.unwrap();
    archive.close().await;
    drop(archive);

    // As a rule what was deleted since is deleted again, and what came since is there.
    let there = elsewhere(&home).await;
    put_back(&there, &target, Some(&before)).await.unwrap();
    let archive = open_restored(&there).await;
    assert_gone(&archive, &all[..1]).await;
    assert_whole(&archive, &pushed).await;
    archive.close().await;

    let there = elsewhere(&home).await;
    there.clock.set_ms(home.clock.now_ms() + DAY_MS);
    let restored = restore::restore(&place_of(&there), &target, Some(&before), true, |_| {}).await.unwrap();
    assert_eq!(restored.newer, 0, "{restored:?}");
    let marked = restore::unfinished(&there.config).unwrap();
    assert_eq!(marked, Some(format!("{before} --as-it-was")));
    let other = put_back(&there, &target, Some(&before)).await;
    assert!(matches!(other, Err(Error::Conflict(_))), "it has begun otherwise: {other:?}");
    let archive = there.open().await;
    place_of(&there).finished().await.unwrap();
    assert_whole(&archive, &all).await;
    assert_gone(&archive, &pushed).await;
    // Nor is it deleted by a restore of what came after, and what came in that time stays away.
    there.clock.set_ms(there.clock.now_ms() + DAY_MS);
    let after = take(&archive, &target, 9).await.unwrap().snapshot;
    archive.close().await;
    let there = elsewhere(&home).await;
    let restored = put_back(&there, &target, None).await.unwrap();
    assert_eq!(restored.snapshot, after);
    let archive = open_restored(&there).await;
    assert_whole(&archive, &all).await;
    assert_gone(&archive, &pushed).await;
    archive.close().await;
}

async fn a_copy_that_has_rotten_is_made_good(home: Home) {
    let archive = home.open().await;
    let all = four_studies(&home, &archive).await;
    let target = target(&home).await;
    take(&archive, &target, 3).await.unwrap();
    let copied = |report: &BackupReport| (report.copied, report.damaged);
    let copy = tar(&home.dir.path().join("backup/objects"), &all[1]);
    flip(&copy, 700);
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 1);
    assert!(copy.exists(), "some of it may be better than nothing");
    // What a process has left that died while it copied goes as well.
    let left = copy.with_extension("tar#1");
    std::fs::write(&left, "half").unwrap();
    let never = home.dir.path().join("backup/snapshots/20200101T000000000Z-00000000");
    std::fs::create_dir_all(never.join("spool")).unwrap();
    std::fs::write(never.join("rows.gz#1"), "half").unwrap();
    std::fs::write(never.join("spool/1.tar#2"), "half").unwrap();
    assert_eq!(copied(&take(&archive, &target, 3).await.unwrap()), (1, 0));
    assert!(!left.exists() && !never.exists(), "{:?}", files(&home.dir.path().join("backup")));
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 0);
    assert_eq!(copied(&take(&archive, &target, 3).await.unwrap()), (0, 0), "once");
    archive.close().await;
}
