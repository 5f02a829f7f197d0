//! What was backed up comes back: every instance, act, order and account, whatever happened meanwhile.

use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::{tags, uids};
use storage::backup::restore::{self, Place, RestoreReport};
use storage::backup::schedule::Plan;
use storage::backup::{BackupReport, Source, Target, back_up, check, manifest, runs};
use storage::exams::{linking, search};
use storage::{Archive, Error, Subject};
use testdata::Instance;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::backends::{Home, on_every_backend};
use crate::deleting::{an_hour_later, assert_gone, delete};
use crate::rebuilding::ordered;
use crate::samples::*;
use crate::settling::files;

on_every_backend!(
    everything_comes_back,
    a_backup_of_one_engine_fits_the_other,
    what_is_newer_than_the_backup_is_indexed,
    packs_are_copied_once_and_older_backups_go,
    only_an_empty_place_is_restored_into,
);

/// A folder beside the archive.
pub async fn target(home: &Home) -> Target {
    Target::open(home.dir.path().join("backup").to_str().unwrap(), None).await.unwrap()
}

pub async fn take(archive: &Archive, target: &Target, keep: u32) -> Result<BackupReport, Error> {
    back_up(&Source::of(archive), target, keep, &CancellationToken::new(), |_| {}).await
}

pub fn place_of(home: &Home) -> Place {
    match &home.objects {
        Some(objects) => Place::over(home.config.clone(), Arc::clone(objects)),
        // `Place::open` does the same for a URL.
        None => {
            let folder = home.dir.path().join("objects");
            std::fs::create_dir_all(&folder).unwrap();
            let store = LocalFileSystem::new_with_prefix(folder).unwrap();
            Place::over(home.config.clone(), Arc::new(store))
        }
    }
}

/// Another home of the same kind, with nothing in it.
pub async fn elsewhere(home: &Home) -> Home {
    if home.config.database_url.starts_with("sqlite") {
        Home::embedded()
    } else {
        Home::served_empty().await.unwrap()
    }
}

pub async fn put_back(home: &Home, target: &Target, snapshot: Option<&str>) -> Result<RestoreReport, Error> {
    restore::restore(&place_of(home), target, snapshot, false, |_| {}).await
}

pub async fn open_restored(home: &Home) -> Archive {
    let archive = home.open().await;
    archive.index_newer(|_| {}).await.unwrap();
    place_of(home).finished().await.unwrap();
    archive
}

/// All rows of a snapshot, but those that say what the archive did with itself.
fn rows(backup: &FilePath, snapshot: &str) -> Vec<String> {
    let packed = std::fs::read(backup.join("snapshots").join(snapshot).join("rows.gz")).unwrap();
    let text = std::io::read_to_string(GzDecoder::new(packed.as_slice())).unwrap();
    let mut table = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if line.starts_with('{') {
            table = line.split("\",").next().unwrap_or_default().to_owned();
        } else if !table.contains("\"setting") && !table.contains("\"segment") {
            rows.push(format!("{table} {line}"));
        }
    }
    rows.sort();
    rows
}

/// An archive in which much has happened; answers what has to be there.
pub async fn lived_in(home: &Home) -> (Archive, Vec<Instance>, Vec<Instance>) {
    let archive = home.open().await;
    let exam = ordered(&archive, "X1").await;
    let (mut kept, deleted, rejected) = (slices(5, 1), slices(3, 2), slices(2, 3));
    for one in [&kept, &deleted, &rejected] {
        send_all(&archive, one).await;
    }
    let named = |name: &'static str| {
        made("7", uids::EXPLICIT_VR_LITTLE_ENDIAN, |set| set.put_text(tags::STUDY_DESCRIPTION, name), &[])
    };
    kept.push(named("first"));
    send_all(&archive, &kept[5..]).await;
    send(&archive, &named("second")).await.unwrap();
    home.rest();
    archive.settle_due().await.unwrap();
    let all = Scope::All;
    linking::link(
        archive.database(),
        &all,
        &Actor::system(),
        &kept[0].study,
        exam.id,
        None,
        home.clock.now_ms(),
    )
    .await
    .unwrap();
    archive
        .reject(&all, &Actor::system(), &Subject::Study(rejected[0].study.clone()), Rejection::Quality)
        .await
        .unwrap();
    delete(&archive, Subject::Study(deleted[0].study.clone())).await;
    let spooled = slices(4, 4);
    send_all(&archive, &spooled).await;
    kept.extend(spooled);
    (archive, kept, [deleted, rejected].concat())
}

async fn assert_same(archive: &Archive, kept: &[Instance], hidden: &[Instance]) {
    assert_whole(archive, kept).await;
    assert_gone(archive, hidden).await;
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (kept.len() as u64 + 3, 0), "{:?}", report.named);
    let study = search::study(archive.database(), &Scope::All, &kept[0].study).await.unwrap().unwrap();
    assert!(study.exam.is_some(), "it was linked to an order");
}

async fn everything_comes_back(home: Home) {
    let (archive, kept, hidden) = lived_in(&home).await;
    let target = target(&home).await;
    let report = take(&archive, &target, 3).await.unwrap();
    assert_eq!((report.segments, report.damaged), (1, 0), "{report:?}");
    assert!(report.rows > 100 && report.copied > 4, "{report:?}");
    let checked = check::check(&target, None, |_| {}).await.unwrap();
    assert_eq!((checked.snapshot.as_str(), checked.damaged), (report.snapshot.as_str(), 0));
    archive.close().await;
    drop(archive);

    let there = elsewhere(&home).await;
    let restored = put_back(&there, &target, None).await.unwrap();
    assert_eq!((restored.rows, restored.segments, restored.damaged), (report.rows, 1, 0));
    assert_eq!((restored.objects, restored.newer), (report.objects, 0));
    let archive = open_restored(&there).await;
    assert_same(&archive, &kept, &hidden).await;
    // What is in the rows is in the rows, whatever there will ever be in them.
    let again = take(&archive, &target, 3).await.unwrap();
    let backup = home.dir.path().join("backup");
    assert_eq!(rows(&backup, &report.snapshot), rows(&backup, &again.snapshot));
    // Numbers go on where they were.
    let exam = ordered(&archive, "X2").await;
    assert!(exam.id.0 > 1, "{exam:?}");
    archive.close().await;
}

async fn a_backup_of_one_engine_fits_the_other(home: Home) {
    let there = if home.config.database_url.starts_with("sqlite") {
        match Home::served_empty().await {
            Some(there) => there,
            None => return,
        }
    } else {
        Home::embedded()
    };
    let (archive, kept, hidden) = lived_in(&home).await;
    let target = target(&home).await;
    let report = take(&archive, &target, 3).await.unwrap();
    archive.close().await;
    drop(archive);
    put_back(&there, &target, None).await.unwrap();
    let archive = open_restored(&there).await;
    assert_same(&archive, &kept, &hidden).await;
    let again = take(&archive, &target, 3).await.unwrap();
    let backup = home.dir.path().join("backup");
    assert_eq!(rows(&backup, &report.snapshot), rows(&backup, &again.snapshot));
    archive.close().await;
}

async fn what_is_newer_than_the_backup_is_indexed(home: Home) {
    let (archive, kept, mut hidden) = lived_in(&home).await;
    let target = target(&home).await;
    let first = take(&archive, &target, 3).await.unwrap();
    home.rest();
    archive.settle_due().await.unwrap();
    let newer = slices(3, 9);
    send_all(&archive, &newer).await;
    home.rest();
    archive.settle_due().await.unwrap();
    delete(&archive, Subject::Study(kept[5].study.clone())).await;
    let second = take(&archive, &target, 3).await.unwrap();
    archive.close().await;
    drop(archive);
    // The second was broken off before its end: what it had copied lies there.
    let backup = home.dir.path().join("backup/snapshots").join(&second.snapshot);
    std::fs::remove_file(backup.join("manifest.jsonl")).unwrap();

    let there = elsewhere(&home).await;
    let restored = put_back(&there, &target, None).await.unwrap();
    assert_eq!(restored.snapshot, first.snapshot);
    assert!(restored.newer > 2, "{restored:?}");
    let archive = open_restored(&there).await;
    let (gone, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(|one| one.study.as_str() == "1.2.7");
    hidden.extend(gone);
    assert_whole(&archive, &kept).await;
    assert_whole(&archive, &newer).await;
    assert_gone(&archive, &hidden).await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

async fn packs_are_copied_once_and_older_backups_go(home: Home) {
    let archive = home.open().await;
    let target = target(&home).await;
    let copied = |home: &Home| files(&home.dir.path().join("backup/objects/packs")).len();
    let first = slices(3, 1);
    send_all(&archive, &first).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let one = take(&archive, &target, 2).await.unwrap();
    assert_eq!((one.objects, one.copied, copied(&home)), (2, 2, 2));
    home.rest();
    let two = take(&archive, &target, 2).await.unwrap();
    assert_eq!((two.objects, two.copied, two.removed), (2, 0, 0));
    // What lost its end on the way is copied again.
    let tar = files(&home.dir.path().join("backup/objects/packs"))
        .into_iter()
        .find(|path| path.extension().unwrap() == "tar");
    std::fs::File::options().write(true).open(tar.unwrap()).unwrap().set_len(700).unwrap();
    delete(&archive, Subject::Study(first[0].study.clone())).await;
    send_all(&archive, &slices(3, 2)).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let three = take(&archive, &target, 2).await.unwrap();
    assert_eq!((three.copied, three.removed), (3, 1), "the pack, its companion, and the act: {three:?}");
    let named = |listed: Vec<manifest::Listed>| -> Vec<String> {
        listed.into_iter().map(|listed| listed.manifest.unwrap().snapshot).collect()
    };
    assert_eq!(named(manifest::list(&target).await.unwrap()), [three.snapshot.clone(), two.snapshot.clone()]);
    assert_eq!(copied(&home), 4, "the second backup names the first pack");
    assert_eq!(check::check(&target, Some(&two.snapshot), |_| {}).await.unwrap().damaged, 1);
    an_hour_later(&home);
    take(&archive, &target, 1).await.unwrap();
    assert_eq!(copied(&home), 2, "nobody names the first pack any more");
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 0);
    let runs = runs::newest(archive.database(), 10).await.unwrap();
    assert!(runs.iter().all(|run| run.state == runs::State::Done), "{runs:?}");
    archive.close().await;
}

async fn only_an_empty_place_is_restored_into(home: Home) {
    let archive = home.open().await;
    send_all(&archive, &slices(3, 1)).await;
    let target = target(&home).await;
    assert!(matches!(put_back(&home, &target, None).await, Err(Error::NotFound)), "there is no backup yet");
    take(&archive, &target, 2).await.unwrap();
    archive.close().await;
    drop(archive);
    let conflict = |restored: Result<RestoreReport, Error>| match restored {
        Err(Error::Conflict(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(conflict(put_back(&home, &target, None).await).contains("segments in"));
    for segment in home.segments() {
        std::fs::remove_file(segment).unwrap();
    }
    assert!(conflict(put_back(&home, &target, None).await).contains("its database has"));
    // Another archive keeps out of these backups.
    let there = elsewhere(&home).await;
    let other = there.open().await;
    let taken = take(&other, &target, 2).await;
    assert!(matches!(&taken, Err(Error::Conflict(why)) if why.contains("another archive")), "{taken:?}");
    let run = runs::newest(other.database(), 1).await.unwrap().remove(0);
    assert_eq!((run.state, run.error.unwrap().code.as_ref()), (runs::State::Failed, "otherArchive"));
    other.close().await;
}

/// A folder that stands still, or breaks, once so many objects were begun, or that does not give some.
#[derive(Debug)]
pub struct Stubborn {
    inner: LocalFileSystem,
    puts: AtomicUsize,
    at: usize,
    breaks: bool,
    /// Where those lie that it does not give.
    withheld: Option<Path>,
    pub reached: Notify,
    pub go_on: Notify,
}

impl fmt::Display for Stubborn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stubborn store")
    }
}

impl Stubborn {
    pub fn over(folder: &FilePath, at: usize, breaks: bool) -> Arc<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let inner = LocalFileSystem::new_with_prefix(folder).unwrap();
        let puts = AtomicUsize::new(0);
        let (reached, go_on) = (Notify::new(), Notify::new());
        Arc::new(Self { inner, puts, at, breaks, withheld: None, reached, go_on })
    }

    pub fn withholding(folder: &FilePath, withheld: &str) -> Arc<Self> {
        let inner = LocalFileSystem::new_with_prefix(folder).unwrap();
        let (puts, reached, go_on) = (AtomicUsize::new(0), Notify::new(), Notify::new());
        let withheld = Some(Path::from(withheld));
        Arc::new(Self { inner, puts, at: usize::MAX, breaks: false, withheld, reached, go_on })
    }
}

#[async_trait]
impl ObjectStore for Stubborn {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        if self.puts.fetch_add(1, Ordering::SeqCst) == self.at {
            if self.breaks {
                return Err(object_store::Error::Generic { store: "stubborn", source: "on purpose".into() });
            }
            self.reached.notify_one();
            self.go_on.notified().await;
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if self.withheld.as_ref().is_some_and(|withheld| location.prefix_matches(withheld)) {
            return Err(object_store::Error::Generic { store: "stubborn", source: "on purpose".into() });
        }
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Whatever the archive does while a backup stands still somewhere, the backup is of the moment it began.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_meanwhile_is_in_the_backup_all_the_same() {
    // Claim, lease, rows, segment, journal and packs.
    for at in 2..8 {
        let home = Home::embedded();
        let (archive, kept, hidden) = lived_in(&home).await;
        let store = Stubborn::over(&home.dir.path().join("backup"), at, false);
        let target = Target::over(store.clone(), "a stubborn place");
        let taking = {
            let (source, target) = (Source::of(&archive), target.clone());
            tokio::spawn(async move { back_up(&source, &target, 3, &CancellationToken::new(), |_| {}).await })
        };
        store.reached.notified().await;
        let begun_ms = home.clock.now_ms();
        let other = take(&archive, &target, 3).await;
        assert!(matches!(&other, Err(Error::Conflict(why)) if why.contains("under way")), "{other:?}");
        home.rest();
        archive.settle_due().await.unwrap();
        // Somebody has begun to delete before the backup, and waited for the rows.
        let now_ms = home.clock.now_ms();
        home.clock.set_ms(begun_ms - 1);
        delete(&archive, Subject::Study(kept[0].study.clone())).await;
        home.clock.set_ms(now_ms);
        archive.tidy().await.unwrap();
        send_all(&archive, &slices(2, 8)).await;
        store.go_on.notify_one();
        let report = taking.await.unwrap().unwrap();
        assert_eq!(report.damaged, 0, "standing still at {at}: {report:?}");
        an_hour_later(&home);
        archive.tidy().await.unwrap();
        assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
        archive.close().await;
        drop(archive);

        let there = Home::embedded();
        let restored = put_back(&there, &target, None).await.unwrap();
        assert_eq!(restored.damaged, 0, "standing still at {at}");
        let archive = there.open().await;
        assert_same(&archive, &kept, &hidden).await;
        archive.close().await;
    }
}

/// A backup that breaks anywhere is none, the one before it is good, and the next one is whole and clears it away.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_breaks_is_none() {
    for at in 0..9 {
        let home = Home::embedded();
        let (archive, kept, hidden) = lived_in(&home).await;
        let folder = home.dir.path().join("backup");
        let good = target(&home).await;
        let first = take(&archive, &good, 1).await.unwrap();
        // To copy everything once more.
        std::fs::remove_dir_all(folder.join("objects")).unwrap();
        std::fs::rename(folder.join("snapshots"), home.dir.path().join("aside")).unwrap();
        home.rest();
        let broken = Target::over(Stubborn::over(&folder, at, true), "a place that breaks");
        let taken = take(&archive, &broken, 1).await;
        let Err(error) = taken else { panic!("nothing broke at {at}") };
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert!(matches!(put_back(&Home::embedded(), &good, None).await, Err(Error::NotFound)), "at {at}");
        let run = runs::newest(archive.database(), 1).await.unwrap().remove(0);
        let why = run.error.map(|why| why.code.into_owned());
        let is_told = matches!(why.as_deref(), Some("away" | "target"));
        assert!(run.state == runs::State::Failed && is_told, "{why:?} at {at}");
        home.rest();
        let next = take(&archive, &good, 1).await.unwrap();
        assert_ne!(next.snapshot, first.snapshot);
        let left = std::fs::read_dir(folder.join("snapshots")).unwrap();
        assert!(left.map(|entry| entry.unwrap().file_name()).all(|name| name == *next.snapshot || files(&folder.join("snapshots").join(&name)).is_empty()));
        assert_eq!(check::check(&good, None, |_| {}).await.unwrap().damaged, 0);
        archive.close().await;
        drop(archive);
        let there = Home::embedded();
        put_back(&there, &good, None).await.unwrap();
        let archive = there.open().await;
        assert_same(&archive, &kept, &hidden).await;
        archive.close().await;
    }
}

/// Restored as it is, and told.
#[tokio::test(flavor = "multi_thread")]
async fn damage_in_a_backup_is_told() {
    let home = Home::embedded();
    let (archive, _, _) = lived_in(&home).await;
    let target = target(&home).await;
    take(&archive, &target, 1).await.unwrap();
    archive.close().await;
    drop(archive);
    let tar = files(&home.dir.path().join("backup/objects/packs"))
        .into_iter()
        .filter(|path| path.extension().unwrap() == "tar")
        .max_by_key(|path| std::fs::metadata(path).unwrap().len())
        .unwrap();
    let mut content = std::fs::read(&tar).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&tar, content).unwrap();
    assert_eq!(check::check(&target, None, |_| {}).await.unwrap().damaged, 1);
    let there = Home::embedded();
    let restored = put_back(&there, &target, None).await.unwrap();
    assert_eq!(restored.damaged, 1, "{restored:?}");
    assert!(restored.named[0].0.ends_with(".tar"), "{restored:?}");
    let archive = open_restored(&there).await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 1);
    archive.close().await;
    drop(archive);
    // Rows that are not those that were written are not loaded.
    let rows = home.dir.path().join("backup/snapshots");
    let rows = files(&rows).into_iter().find(|path| path.ends_with("rows.gz")).unwrap();
    let mut content = std::fs::read(&rows).unwrap();
    content.push(0);
    std::fs::write(&rows, content).unwrap();
    let there = Home::embedded();
    let restored = put_back(&there, &target, None).await;
    assert!(matches!(restored, Err(Error::Corrupt(_))), "{restored:?}");
    assert!(restore::unfinished(&there.config).unwrap().is_some(), "nobody may take it for an archive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_backup_is_taken_when_its_time_has_come() {
    let mut home = Home::embedded();
    let at = vec![jiff::civil::Time::constant(2, 0, 0, 0)];
    let folder = home.dir.path().join("planned");
    home.config.backup = Some(Plan { target: folder.display().to_string(), credentials: None, at, keep: 2 });
    let archive = home.open().await;
    send_all(&archive, &slices(2, 1)).await;
    // One that somebody has taken to another place is not the planned one.
    let aside = Target::open(home.dir.path().join("aside").to_str().unwrap(), None).await.unwrap();
    take(&archive, &aside, 2).await.unwrap();
    assert!(archive.back_up_when_due(&CancellationToken::new()).await.unwrap(), "none was ever taken");
    assert!(!archive.back_up_when_due(&CancellationToken::new()).await.unwrap());
    home.clock.set_ms(home.clock.now_ms() + 24 * 3_600_000);
    assert!(archive.back_up_when_due(&CancellationToken::new()).await.unwrap());
    let target = Target::open(folder.to_str().unwrap(), None).await.unwrap();
    assert_eq!(manifest::list(&target).await.unwrap().len(), 2);
    archive.close().await;
}

/// Nobody would see from a backup that is only missing why it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_backup_whose_place_cannot_be_opened_is_told_of_and_waited_for() {
    let mut home = Home::embedded();
    let at = vec![jiff::civil::Time::constant(2, 0, 0, 0)];
    let taken = home.dir.path().join("a file");
    std::fs::write(&taken, "no folder").unwrap();
    let target = taken.join("backup").display().to_string();
    home.config.backup = Some(Plan { target, credentials: None, at, keep: 2 });
    let archive = home.open().await;
    let due = async || archive.back_up_when_due(&CancellationToken::new()).await;
    assert!(due().await.is_err());
    assert!(!due().await.unwrap(), "it is tried again a while later");
    std::fs::remove_file(&taken).unwrap();
    home.clock.set_ms(home.clock.now_ms() + 3_600_000);
    assert!(due().await.unwrap());
    let runs = runs::newest(archive.database(), 10).await.unwrap();
    let told: Vec<Option<&str>> =
        runs.iter().map(|run| run.error.as_ref().map(|why| why.code.as_ref())).collect();
    assert_eq!(told, [None, Some("target")]);
    archive.close().await;
}
