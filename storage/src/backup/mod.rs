//! Backups: everything that is kept, as it was at one moment, in a folder or bucket of its own.
//!
//! ```text
//! archive.json                      whose backups these are
//! lease.json                        which backup is under way, while one is
//! objects/packs/…  objects/journal/…  the objects of the archive under their own keys, each copied once
//! snapshots/<name>/rows.gz          all rows: lines of JSON, the same of SQLite and PostgreSQL
//! snapshots/<name>/spool/<id>.tar   segments of the spool, up to what the rows know of them
//! snapshots/<name>/objects.gz       which objects the rows name, with length and hash of each
//! snapshots/<name>/manifest.jsonl   length and hash of all of these; written last
//! rotten/…                          marks copies that were found to be damaged, until they are copied again
//! ```
//!
//! A server may run meanwhile. A row of table `backup`, under a lease, comes first: while it stands, no segment is
//! freed (until the segments are copied) and no object is removed (until the end), so that whatever the snapshot of the
//! rows names is still there when its turn comes. A snapshot without a manifest is none: the next one that succeeds
//! clears it away, and finds there what of the packs it had copied. Rows are exported by a format of our own and not by
//! the engines' tools, so that one way is tested, nothing has to be installed beside the program, and a backup of
//! SQLite can be restored into PostgreSQL and the other way round.

pub mod check;
pub(crate) mod copy;
mod input;
mod lease;
mod left_out;
pub(crate) mod lineage;
mod load;
pub mod manifest;
mod objects;
mod output;
mod prune;
pub mod restore;
mod rotten;
mod rows;
pub mod runs;
pub mod schedule;
mod spool;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use pacs_core::clock::{self, Clock};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::archive::Archive;
use crate::config::Config;
use crate::database::{Database, params};
use crate::error::{Error, Result};
pub use crate::packs::credentials::Credentials;
use crate::packs::store;
pub use lineage::Lineage;
use manifest::{Manifest, Part};
use runs::Stage;
pub use trouble::Trouble;

/// Says whose backups a folder or bucket holds.
const OWNER: &str = "archive.json";
/// How often the lease of a run is renewed; it holds for [`runs::LEASE_MS`].
const RENEW_EVERY: Duration = Duration::from_secs(20);

/// A folder or a bucket that backups lie in.
#[derive(Clone)]
pub struct Target {
    objects: Arc<dyn ObjectStore>,
    /// How it is called: its URL.
    name: String,
}

impl Target {
    /// Opens a folder, by its path or as `file:///folder` (made if missing), or `s3://bucket/prefix` with these
    /// credentials, else those of `AWS_*`.
    pub async fn open(place: &str, credentials: Option<&Credentials>) -> Result<Self> {
        let name = target_url(place)?;
        let (url, credentials) = (name.clone(), credentials.cloned());
        let opened = spawn_blocking(move || store::open_tidy(&url, credentials.as_ref()));
        let objects = opened.await.map_err(Error::thread)??;
        Ok(Self { objects, name })
    }

    /// A target over an object store that the caller made.
    pub fn over(objects: Arc<dyn ObjectStore>, name: &str) -> Self {
        Self { objects, name: name.to_owned() }
    }

    /// How it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a content under a key. What an upload of it left whose process died is cleared away before.
    async fn put(
        &self,
        content: copy::Content,
        path: object_store::path::Path,
    ) -> Result<Part, copy::Failed> {
        let (url, key) = (self.name.clone(), path.to_string());
        let cleared = spawn_blocking(move || store::remove_leftovers(&url, &key)).await;
        if let Err(error) = cleared.map_err(std::io::Error::from).and_then(|cleared| cleared) {
            tracing::warn!(%error, key = %path, "what an upload has left behind was not cleared away");
        }
        copy::put(content, &self.objects, path).await
    }

    /// Fails when it holds the backups of another archive than `archive`; claims it when it holds none.
    async fn claim(&self, archive: &str) -> Result<()> {
        #[derive(Serialize, Deserialize)]
        struct Owner {
            archive: String,
        }
        let path = object_store::path::Path::from(OWNER);
        let found = match self.objects.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => {
                let owner = serde_json::to_vec(&Owner { archive: archive.to_owned() })
                    .map_err(|error| Error::internal("claim a backup target", error))?;
                self.objects.put(&path, PutPayload::from(owner)).await?;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match serde_json::from_slice::<Owner>(&found) {
            Ok(owner) if owner.archive == archive => Ok(()),
            Ok(_) => Err(Error::Conflict(format!("{} holds the backups of another archive", self.name))),
            Err(error) => Err(Error::Corrupt(format!("{OWNER} of the backup target: {error}"))),
        }
    }
}

/// A place as a URL: what has no scheme is a path.
pub fn target_url(place: &str) -> Result<String> {
    let wrong = |why: String| Error::Conflict(format!("{place} is no place for backups: {why}"));
    if place.contains("://") {
        let url = Url::parse(place).map_err(|error| wrong(error.to_string()))?;
        return match url.scheme() {
            "file" | "s3" => Ok(url.into()),
            other => Err(wrong(format!("{other} is neither file nor s3"))),
        };
    }
    let path = std::path::absolute(place).map_err(|error| wrong(error.to_string()))?;
    let url = Url::from_file_path(&path).map_err(|()| wrong("it names no folder".to_owned()))?;
    Ok(url.into())
}

/// What is backed up. It need not be opened, so that a backup may be taken beside the server that has it open.
#[derive(Clone)]
pub struct Source {
    database: Database,
    objects: Arc<dyn ObjectStore>,
    spool_dir: PathBuf,
    clock: Clock,
}

impl Source {
    /// An archive that is open in this process.
    pub fn of(archive: &Archive) -> Self {
        let inner = &archive.0;
        Self {
            database: inner.database.clone(),
            objects: Arc::clone(&inner.objects),
            spool_dir: inner.config.spool_dir.clone(),
            clock: inner.config.clock.clone(),
        }
    }

    /// The archive of a configuration, whoever has it open.
    pub async fn open(config: &Config) -> Result<Self> {
        let url = config.storage_url.clone();
        Ok(Self {
            database: Database::open(&config.database_url).await?,
            objects: spawn_blocking(move || store::open(&url)).await.map_err(Error::thread)??,
            spool_dir: config.spool_dir.clone(),
            clock: config.clock.clone(),
        })
    }

    /// Closes what [`Source::open`] has opened.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// The archive's own name, by which a target knows it again; made with the first backup.
    async fn archive_id(&self) -> Result<String> {
        let made = format!("{:032x}", rand::random::<u128>());
        let sql = "insert into setting (key, value) values ('archive.id', $1) on conflict (key) do nothing";
        self.database.execute(sql, params![made]).await?;
        let found =
            self.database.fetch_optional("select value from setting where key = 'archive.id'", params![]);
        found.await?.ok_or(Error::NotFound)?.get("value")
    }
}

/// How far a backup is, and in the end what it has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Its name.
    pub snapshot: String,
    /// Rows written.
    pub rows: u64,
    /// Segments of the spool copied.
    pub segments: u64,
    /// Objects that the snapshot names: packs, companions and the journal.
    pub objects: u64,
    /// Bytes of them.
    pub object_bytes: u64,
    /// Of these, what was not there yet.
    pub copied: u64,
    /// Bytes copied, those of the spool included.
    pub copied_bytes: u64,
    /// What is not what was stored.
    pub damaged: u64,
    /// The first of it, by key, with what is wrong.
    pub named: Vec<(String, String)>,
    /// Older snapshots that were cleared away.
    pub removed: u64,
}

/// Damaged things that are named; more are only counted.
const NAMED: usize = 1000;

impl BackupReport {
    fn damage(&mut self, key: &str, why: &str) {
        tracing::error!(key, why, "what is backed up is damaged");
        self.damaged += 1;
        if self.named.len() < NAMED {
            self.named.push((key.to_owned(), why.to_owned()));
        }
    }
}

/// Takes a backup, unless `stop` comes first, and keeps the newest `keep` of them; `progress` hears now and then.
/// [`Error::Conflict`] while another one runs, and when the target holds those of another archive.
///
/// What is damaged in the archive is copied as it is, told, and no reason to fail.
pub async fn back_up(
    source: &Source,
    target: &Target,
    keep: u32,
    stop: &CancellationToken,
    progress: impl FnMut(&BackupReport),
) -> Result<BackupReport> {
    let archive = source.archive_id().await?;
    let now_ms = source.clock.now_ms();
    let snapshot = snapshot_name(now_ms);
    let run = runs::begin(&source.database, &target.name, &snapshot, now_ms).await?;
    tracing::info!(snapshot, target = target.name, "a backup begins");
    let mut report = BackupReport { snapshot, ..BackupReport::default() };
    let snapshot = report.snapshot.clone();
    let renewing = || runs::renew(&source.database, run, source.clock.now_ms());
    let holding = || lease::renew(source, target, &snapshot);
    let taken = async {
        let claimed = target.claim(&archive).await;
        claimed.map_err(|error| (Trouble::of_target(&error, Trouble::OtherArchive), error))?;
        let held = lease::take(source, target, &snapshot).await;
        held.map_err(|error| (Trouble::of_target(&error, Trouble::TargetBusy), error))?;
        let of_copying = |error: Error| (Trouble::of_copying(&error), error);
        tokio::select! {
            taken = take(source, target, run, &archive, &mut report, progress) => taken.map_err(of_copying),
            // Beside each other: a target that does not answer is no reason to lose the hold on the archive.
            lost = keep_up(renewing) => Err((Trouble::StoodStill, lost)),
            lost = keep_up(holding) => Err((Trouble::TakenOver, lost)),
            () = stop.cancelled() => {
                Err((Trouble::Stopped, Error::Unavailable("the program was stopped".into())))
            }
        }?;
        runs::done(&source.database, run, &report, source.clock.now_ms()).await.map_err(of_copying)
    };
    let taken = taken.await;
    if taken.is_ok() {
        // From here on the backup is good, whatever becomes of the older ones.
        let pruned = tokio::select! {
            pruned = prune::prune(source, target, keep, &snapshot) => pruned,
            lost = keep_up(holding) => Err(lost),
        };
        match pruned {
            Ok(removed) => report.removed = removed,
            Err(error) => tracing::warn!(%error, "older backups were not cleared away"),
        }
    }
    lease::release(target, &snapshot).await;
    match taken {
        Ok(()) => {
            tracing::info!(
                snapshot = report.snapshot,
                copied_bytes = report.copied_bytes,
                damaged = report.damaged,
                "a backup is done"
            );
            Ok(report)
        }
        Err((word, error)) => {
            metrics::counter!("sen_backup_failures_total").increment(1);
            let now_ms = source.clock.now_ms();
            if let Err(unnoted) = runs::failed(&source.database, run, &word.because(&error), now_ms).await {
                tracing::warn!(error = %unnoted, "that a backup failed was not noted");
            }
            Err(error)
        }
    }
}

/// Renews a lease for as long as it is asked; answers when it was lost.
async fn keep_up<F: Future<Output = Result<()>>>(renew: impl Fn() -> F) -> Error {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match renew().await {
            Ok(()) => {}
            Err(error @ Error::Conflict(_)) => return error,
            Err(error) => tracing::warn!(%error, "a lease of a backup could not be renewed"),
        }
    }
}

async fn take(
    source: &Source,
    target: &Target,
    run: runs::RunId,
    archive: &str,
    report: &mut BackupReport,
    mut progress: impl FnMut(&BackupReport),
) -> Result<()> {
    let taken_ms = source.clock.now_ms();
    let exported = rows::export(source, target, &report.snapshot).await?;
    report.rows = exported.rows;
    progress(report);
    runs::enter(&source.database, run, Stage::Spool, source.clock.now_ms()).await?;
    let segments = spool::copy(source, target, exported.segments, report, &mut progress).await?;
    runs::enter(&source.database, run, Stage::Objects, source.clock.now_ms()).await?;
    let objects = objects::copy(source, target, exported.packs, report, &mut progress).await?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        snapshot: report.snapshot.clone(),
        archive: archive.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: exported.schema,
        taken_at: clock::rfc3339(taken_ms),
        taken_ms,
        rows: exported.part,
        row_count: report.rows,
        objects,
        object_count: report.objects,
        object_bytes: report.object_bytes,
        segments,
        damaged: report.damaged,
        left_out: left_out::of(&source.database).await?,
        lineage: Lineage::of(&source.database).await?,
    };
    // While both leases stand nothing that the snapshot names has gone, here or there.
    runs::renew(&source.database, run, source.clock.now_ms()).await?;
    lease::renew(source, target, &report.snapshot).await?;
    manifest.write(target).await
}

/// `20261127T043000123Z-1a2b3c4d`: names sort by age, those of one second too.
fn snapshot_name(now_ms: i64) -> String {
    let time: String = clock::rfc3339(now_ms).chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{time}-{:08x}", rand::random::<u32>())
}

/// The key of an object of a snapshot.
fn key_of(snapshot: &str, name: &str) -> object_store::path::Path {
    object_store::path::Path::from(format!("{}/{snapshot}/{name}", manifest::SNAPSHOTS))
}

/// The key under which the target has an object of the archive.
fn copied_key(key: &str) -> object_store::path::Path {
    object_store::path::Path::from(format!("{OBJECTS}/{key}"))
}

/// Folder of the copied objects.
const OBJECTS: &str = "objects";

/// The file of a segment of the spool.
fn segment_path(spool_dir: &Path, segment: i64) -> PathBuf {
    spool_dir.join(format!("{segment:020}.tar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when() {
        let name = snapshot_name(1_790_000_000_123);
        assert!(name.starts_with("20260921T141320123Z-"), "{name}");
    }

    #[test]
    fn a_place_is_a_path_or_a_url() {
        assert_eq!(target_url("/mnt/backup").unwrap(), "file:///mnt/backup");
        assert_eq!(target_url("s3://bucket/sen").unwrap(), "s3://bucket/sen");
        assert!(target_url("ftp://x/y").is_err());
    }
}
