//! What a server reads back by itself.

use std::path::Path;
use std::time::Duration;

use pacs_core::access::Scope;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::corrections::{Target, What};
use storage::events::{self, EventKind};
use storage::pace::Pace;
use storage::verify::background::Plan;
use storage::verify::damage;
use storage::{Archive, Subject};

use crate::backends::{Home, on_every_backend};
use crate::deleting::{an_hour_later, delete};
use crate::faults::{Call, watched};
use crate::moving::move_;
use crate::samples::*;
use crate::settling::{files, flip};

on_every_backend!(
    everything_is_read_back_once_and_in_turn,
    a_companion_that_is_damaged_or_gone_is_made_anew,
    damage_is_noted_of_what_is_still_kept_and_where_it_is_now,
);

const DAY_MS: i64 = 24 * 3_600_000;

fn plan(days: u64) -> Plan {
    Plan { every: Duration::from_secs(days * 24 * 3600), bytes_per_second: 1 << 30 }
}

async fn everything_is_read_back_once_and_in_turn(mut home: Home) {
    home.config.verification = Some(plan(10));
    let archive = home.open().await;
    let next = async || archive.verify_next(plan(10), &mut Pace::free()).await.unwrap();
    let (first, second) = (slices(3, 1), slices(5, 2));
    for one in [&first, &second] {
        send_all(&archive, one).await;
        home.rest();
        archive.settle_due().await.unwrap();
    }
    assert!(next().await.is_none(), "what was just written has not left the cache");
    an_hour_later(&home);
    let standing = archive.verification().await.unwrap();
    assert_eq!((standing.packs, standing.due_packs, standing.oldest_ms), (2, 2, Some(0)));
    assert_eq!(next().await.map(|report| report.instances), Some(3));
    home.clock.set_ms(home.clock.now_ms() + DAY_MS);
    assert_eq!(next().await.map(|report| report.instances), Some(5));
    assert!(next().await.is_none());
    let standing = archive.verification().await.unwrap();
    assert_eq!((standing.due_packs, standing.damaged, standing.progress.instances), (0, 0, 8));
    // The one that was read first is due first.
    home.clock.set_ms(home.clock.now_ms() + 9 * DAY_MS + DAY_MS / 2);
    assert_eq!(next().await.map(|report| report.instances), Some(3));
    assert!(next().await.is_none());
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_told_once_and_forgotten_when_it_is_mended() {
    let home = Home::embedded();
    let archive = home.open().await;
    let kept = slices(3, 1);
    send_all(&archive, &kept).await;
    // A version that is kept and not served is read as well.
    let mut pixels = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xA0, 0x0F, 0, 0];
    pixels.extend([0x5a; 4000]);
    let named = |name: &'static str| {
        let describe = |set: &mut pacs_core::dataset::DataSet| set.put_text(tags::STUDY_DESCRIPTION, name);
        made("7", uids::EXPLICIT_VR_LITTLE_ENDIAN, describe, &pixels)
    };
    send_all(&archive, &[named("first")]).await;
    send(&archive, &named("second")).await.unwrap();
    home.rest();
    archive.settle_due().await.unwrap();
    an_hour_later(&home);
    let all = async || {
        let mut read = 0;
        while let Some(report) = archive.verify_next(plan(1), &mut Pace::free()).await.unwrap() {
            read += report.instances;
        }
        assert_eq!(read, 5);
        home.clock.set_ms(home.clock.now_ms() + 2 * DAY_MS);
        damage::list(archive.database(), &Scope::All, 10).await.unwrap()
    };
    let told = async || {
        let all = events::since(archive.database(), 0, 1000).await.unwrap();
        all.iter().filter(|event| event.kind == EventKind::InstanceDamaged).count()
    };
    assert_eq!(all().await, []);

    let tar = |folder: &str| -> std::path::PathBuf {
        let found = files(&home.dir.path().join("objects/packs").join(folder));
        found.into_iter().find(|path| path.extension().unwrap() == "tar").unwrap()
    };
    let place = place(&archive, &kept[1]).await;
    let at = place.place.offset_bytes + place.place.length_bytes - 10;
    let pack = tar(kept[1].study.as_str());
    flip(&pack, at);
    let begun_ms = home.clock.now_ms();
    let damaged = all().await;
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert_eq!((&damaged[0].instance, damaged[0].found_ms), (&kept[1].uid, begun_ms));
    assert!(pack.exists(), "what is damaged is told, never deleted");
    let again = all().await;
    assert_eq!((again, told().await), (damaged, 1), "it is told once, since when it is known");
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 1);
    assert_eq!(archive.verification().await.unwrap().damaged, 1);
    flip(&pack, at);
    assert_eq!(all().await, [], "it was put back from a backup");

    // The kept version lies last in its pack.
    let pack = tar("1.2.7");
    flip(&pack, std::fs::metadata(&pack).unwrap().len() - 2000);
    let damaged = all().await;
    assert_eq!((damaged.len(), told().await), (1, 2), "{damaged:?}");
    delete(&archive, Subject::Study(uid("1.2.7"))).await;
    assert_eq!(damage::list(archive.database(), &Scope::All, 10).await.unwrap(), []);
    assert_eq!(damage::count(archive.database()).await.unwrap(), 0);

    archive.close().await;
}

async fn a_companion_that_is_damaged_or_gone_is_made_anew(home: Home) {
    let archive = home.open().await;
    let kept = slices(3, 1);
    send_all(&archive, &kept).await;
    home.rest();
    archive.settle_due().await.unwrap();
    an_hour_later(&home);
    let verified = async || {
        home.clock.set_ms(home.clock.now_ms() + 2 * DAY_MS);
        while archive.verify_next(plan(1), &mut Pace::free()).await.unwrap().is_some() {}
        damage::list(archive.database(), &Scope::All, 10).await.unwrap()
    };
    let objects = home.objects("packs").await;
    let [companion, pack] = objects.as_slice() else { panic!("{objects:?}") };
    let (whole, tar) = (home.get(companion).await, home.get(pack).await);
    let mut flipped = whole.to_vec();
    flipped[200] ^= 0x10;
    for by_request in [true, false] {
        for lost in [false, true] {
            if lost {
                home.lose(companion).await
            } else {
                home.put(companion, flipped.clone().into()).await
            }
            if by_request {
                assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
            } else {
                assert_eq!(verified().await, []);
            }
            assert_eq!(home.get(companion).await, whole, "as it was");
        }
    }
    // Of a pack whose entries cannot be told apart nothing is made: what there is stays.
    let mut torn = tar.to_vec();
    torn[10] ^= 0x10;
    home.put(pack, torn.into()).await;
    home.put(companion, flipped.clone().into()).await;
    let damaged = verified().await;
    assert_eq!(damaged.len(), 3, "without it none of them can be shown: {damaged:?}");
    assert!(damaged.iter().all(|one| one.why.starts_with("companion: ")), "{damaged:?}");
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 3);
    assert_eq!(home.get(companion).await, flipped);
    home.put(pack, tar).await;
    assert_eq!(verified().await, [], "the pack was put back from a backup");
    assert_eq!(home.get(companion).await, whole);
    archive.close().await;
}

fn pack_folder(home: &Home, study: &str) -> std::path::PathBuf {
    home.dir.path().join("objects/packs").join(study)
}

fn pack_of(folder: &std::path::Path, kind: &str) -> std::path::PathBuf {
    files(folder).into_iter().find(|path| path.extension().unwrap() == kind).unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_one_line_for_a_damaged_pack() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(log);
    let home = Home::embedded();
    let archive = home.open().await;
    let kept = slices(7, 1);
    send_all(&archive, &kept).await;
    home.rest();
    archive.settle_due().await.unwrap();
    an_hour_later(&home);
    let companion = pack_of(&pack_folder(&home, kept[0].study.as_str()), "gz");
    flip(&companion, 200);
    // Of an entry's header, so that no companion can be made of it.
    let pack = pack_of(&pack_folder(&home, kept[0].study.as_str()), "tar");
    flip(&pack, 10);
    let said = |words: &str| -> Vec<String> {
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        logged.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    };
    archive.verify_next(plan(1), &mut Pace::free()).await.unwrap();
    let told = said("stored instances are damaged");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("damaged=7") && told[0].contains("packs/"), "{told:?}");
    flip(&pack, 10);
    archive.verify(|_| {}).await.unwrap();
    let mended = said("whole again");
    assert!(mended.len() == 1 && mended[0].contains("mended=7"), "{mended:?}");
    archive.close().await;
}

/// A sector that cannot be read is damage like any other: it is told, and everything else is read all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_and_stops_nothing() {
    let home = Home::embedded();
    let archive = home.open().await;
    let studies = ["71", "72", "73"].map(|name| made(name, uids::EXPLICIT_VR_LITTLE_ENDIAN, |_| {}, &[]));
    for study in &studies {
        send_all(&archive, std::slice::from_ref(study)).await;
        home.rest();
        archive.settle_due().await.unwrap();
    }
    an_hour_later(&home);
    let spooled = made("74", uids::EXPLICIT_VR_LITTLE_ENDIAN, |_| {}, &[]);
    send_all(&archive, std::slice::from_ref(&spooled)).await;
    let file = |study: &testdata::Instance, kind| pack_of(&pack_folder(&home, study.study.as_str()), kind);
    let aside = |path: &Path| path.with_extension("aside");
    let nowhere = |path: &Path| {
        std::fs::rename(path, aside(path)).unwrap();
        std::os::unix::fs::symlink(path, path).unwrap();
    };
    let whole = |path: &Path| std::fs::rename(aside(path), path).unwrap();

    let (tar, companion) = (file(&studies[0], "tar"), file(&studies[1], "gz"));
    nowhere(&tar);
    nowhere(&companion);
    let mut read = 0;
    while let Some(report) = archive.verify_next(plan(1), &mut Pace::free()).await.unwrap() {
        read += report.instances;
    }
    assert_eq!(read, 3, "each pack was read once, or tried");
    let told = damaged(&archive).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, studies[0].uid.as_str());
    assert!(told[0].1.starts_with("unreadable: Too many levels"), "{told:?}");
    let anew = std::fs::read(&companion).unwrap();
    assert_eq!(anew, std::fs::read(aside(&companion)).unwrap(), "it was made anew from its pack");
    // Asked for all at once, in the spool too. Nobody can read what lies at the first addresses of a process.
    let segment = home.segments().remove(0);
    std::fs::rename(&segment, aside(&segment)).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &segment).unwrap();
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (4, 2), "{:?}", report.named);
    let said = |uid: &Uid| report.named.iter().find(|(named, _)| named == uid).map(|(_, why)| why.as_str());
    let why = said(&spooled.uid).unwrap();
    assert!(why.starts_with("unreadable: Input/output error"), "{why}");
    whole(&segment);
    whole(&tar);
    archive.verify(|_| {}).await.unwrap();
    assert_eq!(damaged(&archive).await, []);
    archive.close().await;
    drop(archive);

    // Where nothing at all can be read any more, the store is away, and nothing is said of its instances.
    let archive = home.open().await;
    home.clock.set_ms(home.clock.now_ms() + 2 * DAY_MS);
    let all: Vec<_> = studies.iter().map(|study| file(study, "tar")).collect();
    all.iter().for_each(|path| nowhere(path));
    assert!(archive.verify_next(plan(1), &mut Pace::free()).await.is_err());
    assert_eq!(damaged(&archive).await, []);
    all.iter().for_each(|path| whole(path));
    assert!(archive.verify_next(plan(1), &mut Pace::free()).await.unwrap().is_some());
    archive.close().await;
}

/// Each damaged instance with what is wrong.
async fn damaged(archive: &Archive) -> Vec<(String, String)> {
    let mut all = damage::list(archive.database(), &Scope::All, 10).await.unwrap();
    all.sort_by(|one, other| one.instance.as_str().cmp(other.instance.as_str()));
    all.into_iter().map(|damaged| (damaged.instance.to_string(), damaged.why)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_beside_the_process_that_has_it() {
    let home = Home::embedded();
    let archive = home.open().await;
    let (settled, spooled) = (slices(4, 1), slices(3, 2));
    send_all(&archive, &settled).await;
    archive.settle_study(&settled[0].study).await.unwrap();
    send_all(&archive, &spooled).await;
    let beside = Archive::open_beside(home.config.clone()).await.unwrap();
    let report = beside.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (7, 0));
    // What was moved meanwhile is found where it is, and what was deleted is no damage.
    archive.settle_study(&spooled[0].study).await.unwrap();
    archive.tidy().await.unwrap();
    delete(&archive, Subject::Study(settled[0].study.clone())).await;
    let report = beside.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (3, 0), "{report:?}");
    let pack = pack_of(&pack_folder(&home, spooled[0].study.as_str()), "tar");
    let place = place(&archive, &spooled[1]).await;
    flip(&pack, place.place.offset_bytes + place.place.length_bytes - 10);
    assert_eq!(beside.verify(|_| {}).await.unwrap().damaged, 1);
    beside.close().await;
    // Its owner knows of it, and goes on.
    assert_eq!(damage::count(archive.database()).await.unwrap(), 1);
    send_all(&archive, &slices(1, 3)).await;
    let left = std::fs::read_dir(&home.config.data_dir).unwrap();
    let left =
        left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("beside"));
    assert_eq!(left.count(), 0);
    archive.close().await;
}

async fn damage_is_noted_of_what_is_still_kept_and_where_it_is_now(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    let mut pixels = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xA0, 0x0F, 0, 0];
    pixels.extend([0x5a; 4000]);
    let named = |study: &str, name: &'static str| {
        let describe = |set: &mut pacs_core::dataset::DataSet| set.put_text(tags::STUDY_DESCRIPTION, name);
        made(study, uids::EXPLICIT_VR_LITTLE_ENDIAN, describe, &pixels)
    };
    // Of the second a version is kept that is not served.
    let sent = ["71", "72", "73"].map(|study| named(study, "first"));
    for instance in &sent {
        send_all(&archive, std::slice::from_ref(instance)).await;
        if instance.uid == sent[1].uid {
            send(&archive, &named("72", "second")).await.unwrap();
        }
        home.rest();
        archive.settle_due().await.unwrap();
    }
    an_hour_later(&home);
    for instance in &sent[..2] {
        let objects = home.objects(&format!("packs/{}", instance.study)).await;
        let pack = objects.iter().find(|key| key.ends_with(".tar")).unwrap();
        let mut bytes = home.get(pack).await.to_vec();
        let place = place(&archive, instance).await.place;
        // The kept version lies last in its pack.
        for at in [usize::try_from(place.offset_bytes + place.length_bytes).unwrap() - 10, bytes.len() - 2000]
        {
            bytes[at] ^= 0x10;
        }
        home.put(pack, bytes.into()).await;
    }
    let noted = async || {
        let listed = damage::list(archive.database(), &Scope::All, 10).await.unwrap();
        let events = events::since(archive.database(), 0, 1000).await.unwrap();
        let told = events.into_iter().filter(|event| event.kind == EventKind::InstanceDamaged);
        let told: Vec<_> = told.map(|event| event.study_uid.unwrap_or_default()).collect();
        (listed.into_iter().map(|damaged| damaged.study).collect::<Vec<_>>(), told)
    };
    let verify = async || archive.verify_next(plan(1), &mut Pace::free()).await.unwrap().unwrap().damaged;

    let mut reading = store.hold(Call::Read, ".tar");
    let deleted = async {
        reading.reached().await;
        delete(&archive, Subject::Study(sent[0].study.clone())).await;
        reading.go();
    };
    assert_eq!(tokio::join!(verify(), deleted).0, 0);
    assert_eq!(noted().await, (vec![], vec![]), "it was deleted while it was read");

    let mut reading = store.hold(Call::Read, ".tar");
    let moved = async {
        reading.reached().await;
        move_(&archive, &sent[1].study, What::All, Target::Study(sent[2].study.clone())).await;
        reading.go();
    };
    assert_eq!(tokio::join!(verify(), moved).0, 2, "what is served and the kept version");
    let now = sent[2].study.clone();
    assert_eq!(noted().await, (vec![now.clone(); 2], vec![now.to_string(); 2]), "they were moved meanwhile");
    assert_eq!(damage::count(archive.database()).await.unwrap(), 2);
    archive.close().await;
}
