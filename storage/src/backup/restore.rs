//! Putting a backup back into an empty place.
//!
//! Objects first, then the spool, then all rows in one transaction: until they are there the place has a mark that
//! keeps everybody else out, and a restore that was broken off goes on where it was. Objects that are newer than the
//! snapshot come along, as copies of a later backup that was broken off do; the index of them is made when the archive
//! is opened, see [`Archive::index_newer`]. They stay away where somebody wants the archive as it was then, such as
//! before an act of malice, and what was written in that time is passed over by later restores too. What another
//! archive of the same name has written stays away as well, and is told: of one that was lost before its first backup
//! had ended there may be no other copy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::task::spawn_blocking;

use super::copy::Failed;
use super::left_out::{self, LeftOut};
use super::manifest::{self, Manifest, Object};
use super::{NAMED, OBJECTS, Target, check, copied_key, copy, input, key_of, load, segment_path, spool};
#[cfg(doc)]
use crate::archive::Archive;
use crate::config::Config;
use crate::database::{self, Database};
use crate::error::{Error, Result};
use crate::folders::{make_folder, sync_folder};
use crate::journal;
use crate::non_patient;
use crate::packs::{self, store};
use crate::routes::handed;
use crate::space::Space;
use crate::spool::Spool;

/// Lies in the data folder while a restore is under way; its content is the snapshot's name, and [`AS_IT_WAS`] behind
/// it.
const MARK: &str = "restoring";
const AS_IT_WAS: &str = " --as-it-was";
/// Objects copied at once.
const AT_ONCE: usize = 4;

/// How far a restore is, and in the end what it has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// The snapshot.
    pub snapshot: String,
    /// When it was taken, RFC 3339.
    pub taken_at: String,
    /// Rows loaded; none when an earlier try had loaded them.
    pub rows: u64,
    /// Segments of the spool.
    pub segments: u64,
    /// Objects that the snapshot names.
    pub objects: u64,
    /// Objects that it does not name and that lay beside.
    pub newer: u64,
    /// How many objects were left out because another archive has written them, by its mark; that of the original is
    /// empty.
    pub of_others: BTreeMap<String, u64>,
    /// Bytes copied this time.
    pub copied_bytes: u64,
    /// What is missing in the backup or not what was copied into it.
    pub damaged: u64,
    /// The first of it, by key, with what is wrong.
    pub named: Vec<(String, String)>,
}

impl RestoreReport {
    fn damage(&mut self, key: String, why: String) {
        tracing::error!(key, why, "a part of the backup is damaged");
        self.damaged += 1;
        if self.named.len() < NAMED {
            self.named.push((key, why));
        }
    }
}

/// Where a backup is put back.
pub struct Place {
    config: Config,
    objects: Arc<dyn ObjectStore>,
}

impl Place {
    /// The place that a configuration names.
    pub async fn open(config: Config) -> Result<Self> {
        let url = config.storage_url.clone();
        let objects = spawn_blocking(move || store::open(&url)).await.map_err(Error::thread)??;
        Ok(Self { config, objects })
    }

    /// The same over an object store that the caller made.
    pub fn over(config: Config, objects: Arc<dyn ObjectStore>) -> Self {
        Self { config, objects }
    }

    fn mark(&self) -> PathBuf {
        self.config.data_dir.join(MARK)
    }

    /// Notes that all is in order: to be called when the archive was opened and what is newer was indexed.
    pub async fn finished(&self) -> Result<()> {
        let mark = self.mark();
        spawn_blocking(move || std::fs::remove_file(mark))
            .await
            .map_err(Error::thread)?
            .map_err(|error| Error::io("end a restore", error))
    }
}

/// The snapshot of which a restore into this data folder has begun and not ended, and behind it ` --as-it-was` if it is
/// restored so. Blocks.
pub fn unfinished(config: &Config) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(config.data_dir.join(MARK)) {
        Ok(snapshot) => Ok(Some(snapshot.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a snapshot back, the newest one unless it is said. [`Error::Conflict`] with the reason when the place is not
/// empty, or two archives have taken the snapshots and none is said; [`Error::NotFound`] when there is no such
/// snapshot. What is damaged in the backup is restored as it is, and told. Without `as_it_was` what is newer and lies
/// beside it comes along.
pub async fn restore(
    place: &Place,
    target: &Target,
    snapshot: Option<&str>,
    as_it_was: bool,
    mut progress: impl FnMut(&RestoreReport),
) -> Result<RestoreReport> {
    let manifest = match snapshot {
        Some(name) => Manifest::read(target, name).await?,
        None => check::newest_of_one(target).await?,
    };
    if manifest.schema > database::known_version() {
        return Err(Error::Conflict(format!(
            "the backup has schema {}, this program knows {}: take a newer version of the program",
            manifest.schema,
            database::known_version()
        )));
    }
    let rows = prepare(place, &manifest, as_it_was).await?;
    let mut report = RestoreReport {
        snapshot: manifest.snapshot.clone(),
        taken_at: manifest.taken_at.clone(),
        ..RestoreReport::default()
    };
    let list = named_objects(place, target, &manifest, &mut report, &mut progress).await?;
    if !as_it_was || list == List::Damaged {
        let mut left_out = manifest.left_out.clone();
        if as_it_was {
            left_out.push(LeftOut { from_ms: manifest.taken_ms, until_ms: i64::MAX });
        }
        other_objects(place, target, &manifest, list, &left_out, &mut report, &mut progress).await?;
    }
    segments(place, target, &manifest, &mut report).await?;
    progress(&report);
    if load::restored(&rows).await?.as_ref() != Some(&manifest.snapshot) {
        report.rows = load::load(&rows, target, &manifest, place.config.clock.now_ms()).await?;
    }
    if as_it_was {
        let until_ms = place.config.clock.now_ms();
        left_out::note(&rows, LeftOut { from_ms: manifest.taken_ms, until_ms }).await?;
    }
    rows.bring_up_to_date().await?;
    rows.close().await;
    Ok(report)
}

/// Sees to it that nothing is overwritten, and marks the place; answers its database, with the schema of the backup.
async fn prepare(place: &Place, manifest: &Manifest, as_it_was: bool) -> Result<Database> {
    let config = place.config.clone();
    let wanted = format!("{}{}", manifest.snapshot, if as_it_was { AS_IT_WAS } else { "" });
    let begun = spawn_blocking(move || {
        make_folder(&config.data_dir)?;
        make_folder(&config.spool_dir)?;
        unfinished(&config)
    });
    let begun =
        begun.await.map_err(Error::thread)?.map_err(|error| Error::io("look at the data folder", error))?;
    match begun {
        Some(snapshot) if snapshot == wanted => {
            tracing::info!(snapshot, "a restore goes on");
            return Database::open_at(&place.config.database_url, manifest.schema).await;
        }
        Some(snapshot) => {
            return Err(Error::Conflict(format!(
                "a restore of {snapshot} was broken off here: name that one, or begin with an empty place"
            )));
        }
        None => {}
    }
    let occupied = |what: String| Error::Conflict(format!("the place is not empty: {what}"));
    let spool = Spool::open(&place.config.spool_dir, u64::MAX, Space::endless(), place.config.clock.clone())?;
    if !spawn_blocking(move || spool.segments()).await.map_err(Error::thread)??.is_empty() {
        return Err(occupied(format!("there are segments in {}", place.config.spool_dir.display())));
    }
    for prefix in [packs::PREFIX, journal::PREFIX, handed::PREFIX, non_patient::PREFIX] {
        let path = packs::path(prefix);
        let first = place.objects.list(Some(&path)).next().await.transpose()?;
        if let Some(found) = first {
            return Err(occupied(format!("the object store has {}", found.location)));
        }
    }
    let rows = Database::open_at(&place.config.database_url, manifest.schema).await?;
    let version = rows.schema_version().await?;
    if version != manifest.schema {
        return Err(occupied(format!("its database has schema {version} already")));
    }
    if let Some(table) = load::occupied(&rows).await? {
        return Err(occupied(format!("its database has rows, in {table} for one")));
    }
    let (mark, folder) = (place.mark(), place.config.data_dir.clone());
    let marked = spawn_blocking(move || {
        std::fs::write(&mark, wanted)?;
        std::fs::File::open(&mark)?.sync_all()?;
        sync_folder(&folder)
    });
    marked.await.map_err(Error::thread)?.map_err(|error| Error::io("begin a restore", error))?;
    Ok(rows)
}

/// The list of what a snapshot names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Whole,
    /// Some of what it names lies in the target like what is newer, and nothing tells them apart.
    Damaged,
}

/// Copies what the snapshot names, as far as its list can be read.
async fn named_objects(
    place: &Place,
    target: &Target,
    manifest: &Manifest,
    report: &mut RestoreReport,
    progress: &mut impl FnMut(&RestoreReport),
) -> Result<List> {
    let path = key_of(&manifest.snapshot, manifest::OBJECTS);
    let mut copied = input::listed(target, &path, manifest.objects.clone())
        .map(|object| {
            let (to, from) = (Arc::clone(&place.objects), target.clone());
            let snapshot = manifest.snapshot.clone();
            async move {
                let object = match object {
                    Ok(object) => object,
                    Err(error) => return Ok(Err(check::list_not_given(&from, &snapshot, error).await?)),
                };
                let put = put_back(&to, &from, &object.key, object.part.length_bytes).await;
                Ok::<_, Error>(Ok((object, given(&from, &snapshot, put).await?)))
            }
        })
        .buffer_unordered(AT_ONCE)
        .boxed();
    let mut list = List::Whole;
    while let Some(object) = copied.next().await.transpose()? {
        let (Object { key, part }, put) = match object {
            Ok(object) => object,
            Err(why) => {
                report.damage(path.to_string(), why);
                list = List::Damaged;
                continue;
            }
        };
        report.objects += 1;
        match put {
            Ok(None) => {}
            Ok(Some(found)) => {
                report.copied_bytes += found.length_bytes;
                if found != part {
                    report.damage(key, "it is not what was copied".to_owned());
                }
            }
            Err(why) => report.damage(key, why),
        }
        progress(report);
    }
    Ok(list)
}

/// Copies what its archive has written beside what the snapshot names, unless it was taken back before that, and where
/// the list is damaged all that it may name.
async fn other_objects(
    place: &Place,
    target: &Target,
    manifest: &Manifest,
    list: List,
    left_out: &[LeftOut],
    report: &mut RestoreReport,
    progress: &mut impl FnMut(&RestoreReport),
) -> Result<()> {
    let folder = object_store::path::Path::from(OBJECTS);
    let mut copied = target
        .objects
        .list(Some(&folder))
        .map_err(Error::from)
        .map(|found| {
            let (to, from) = (Arc::clone(&place.objects), target.clone());
            let (lineage, snapshot) = (&manifest.lineage, manifest.snapshot.clone());
            async move {
                let found = found?;
                let wanted = |key: &str| {
                    let is_ours = match list {
                        List::Whole => lineage.has_written(key),
                        List::Damaged => lineage.may_have(key),
                    };
                    is_ours && !left_out.iter().any(|left_out| left_out.means(key))
                };
                match found.location.as_ref().strip_prefix("objects/") {
                    Some(key) if wanted(key) => {
                        let put = put_back(&to, &from, key, found.size).await;
                        Ok(Some((key.to_owned(), Some(given(&from, &snapshot, put).await?))))
                    }
                    Some(key) if lineage.of_another(key).is_some() => {
                        match to.head(&packs::path(key)).await {
                            // The snapshot names it, so the archive had it, whatever the clocks said.
                            Ok(_) => Ok(None),
                            Err(object_store::Error::NotFound { .. }) => Ok(Some((key.to_owned(), None))),
                            Err(error) => Err(error.into()),
                        }
                    }
                    _ => Ok::<_, Error>(None),
                }
            }
        })
        .buffer_unordered(AT_ONCE)
        .boxed();
    while let Some(found) = copied.next().await.transpose()? {
        match found {
            Some((_, Some(Ok(Some(part))))) => {
                match list {
                    List::Whole => report.newer += 1,
                    List::Damaged => report.objects += 1,
                }
                report.copied_bytes += part.length_bytes;
                progress(report);
            }
            // One that the snapshot names was told of.
            Some((key, Some(Err(why)))) if report.named.iter().all(|(named, _)| *named != key) => {
                report.damage(key, why);
            }
            Some((key, None)) => {
                let mark = manifest.lineage.of_another(&key).unwrap_or_default();
                *report.of_others.entry(mark.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a copy was made of, or why the backup does not give that.
type Given<T> = Result<T, String>;

/// Fails where the backup is away, and where the copy cannot be written.
async fn given<T>(from: &Target, snapshot: &str, put: Result<T, Failed>) -> Result<Given<T>> {
    match put {
        Ok(put) => Ok(Ok(put)),
        Err(Failed::From(Error::NotFound)) => Ok(Err("it is gone".to_owned())),
        Err(Failed::From(error)) => Ok(Err(check::not_given(from, snapshot, error).await?)),
        Err(Failed::To(error)) => Err(error),
    }
}

/// Copies one object; nothing when it is there already.
async fn put_back(
    to: &Arc<dyn ObjectStore>,
    from: &Target,
    key: &str,
    length_bytes: u64,
) -> Result<Option<manifest::Part>, Failed> {
    let path = packs::path(key);
    match to.head(&path).await {
        Ok(found) if found.size == length_bytes => return Ok(None),
        Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(Failed::To(error.into())),
    }
    let content = copy::object(&from.objects, &copied_key(key)).await.map_err(Failed::From)?;
    copy::put(content, to, path).await.map(Some)
}

async fn segments(
    place: &Place,
    target: &Target,
    manifest: &Manifest,
    report: &mut RestoreReport,
) -> Result<()> {
    for segment in &manifest.segments {
        let key = key_of(&manifest.snapshot, &spool::name(segment.id));
        let written = async {
            let content = copy::object(&target.objects, &key).await.map_err(Failed::From)?;
            copy::write(content, segment_path(&place.config.spool_dir, segment.id)).await
        };
        report.segments += 1;
        match given(target, &manifest.snapshot, written.await).await? {
            Ok(part) => {
                report.copied_bytes += part.length_bytes;
                if part != segment.part {
                    report.damage(key.to_string(), "it is not what was copied".to_owned());
                }
            }
            Err(why) => report.damage(key.to_string(), why),
        }
    }
    let folder = place.config.spool_dir.clone();
    let synced = spawn_blocking(move || sync_folder(&folder)).await.map_err(Error::thread)?;
    synced.map_err(|error| Error::io("write a segment", error))
}
