//! Reading a snapshot back: is everything there, and what it was?

use futures::StreamExt as _;

use super::manifest::{self, Manifest, Object, Part};
use super::{NAMED, Target, copied_key, copy, input, key_of, rotten, spool};
use crate::error::{Error, Result};

/// Objects read at once.
const AT_ONCE: usize = 4;

/// How far a check is, and in the end what it has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The snapshot that is read.
    pub snapshot: String,
    /// Things read: rows, segments, objects.
    pub read: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Of these, what is missing or not what was copied.
    pub damaged: u64,
    /// The first of it, by key, with what is wrong.
    pub named: Vec<(String, String)>,
}

impl CheckReport {
    fn note(&mut self, key: String, found: Option<String>, part: &Part) {
        self.read += 1;
        self.bytes += part.length_bytes;
        let Some(why) = found else { return };
        self.damaged += 1;
        if self.named.len() < NAMED {
            self.named.push((key, why));
        }
    }
}

/// Chooses a snapshot: the one of that name, else the newest good one. Not found when there is none.
pub(super) async fn choose(target: &Target, snapshot: Option<&str>) -> Result<Manifest> {
    if let Some(name) = snapshot {
        return Manifest::read(target, name).await;
    }
    for listed in manifest::list(target).await? {
        match listed.manifest {
            Ok(manifest) => return Ok(manifest),
            Err(Error::NotFound) => {}
            Err(error) => tracing::warn!(%error, snapshot = listed.snapshot, "a snapshot is passed over"),
        }
    }
    Err(Error::NotFound)
}

/// The newest good snapshot, where all of them are of one archive. Two have taken them when a trial restore and its
/// original both go on: then somebody has to say whose is wanted.
pub(super) async fn newest_of_one(target: &Target) -> Result<Manifest> {
    let good = manifest::list(target).await?.into_iter().filter_map(|listed| listed.manifest.ok());
    let mut newest: Option<Manifest> = None;
    for manifest in good {
        match &newest {
            None => newest = Some(manifest),
            Some(newest) if newest.lineage.goes_on_from(&manifest) => {}
            Some(newest) => {
                return Err(Error::Conflict(format!(
                    "two archives have taken these backups, such as {} ({}) and {} ({}): say which one is wanted",
                    newest.snapshot, newest.lineage, manifest.snapshot, manifest.lineage
                )));
            }
        }
    }
    newest.ok_or(Error::NotFound)
}

/// Reads everything that a snapshot names, the newest one unless it is said, and compares lengths and hashes;
/// `progress` hears after each thing. A damaged copy of an object is marked, so that the next backup copies it again.
pub async fn check(
    target: &Target,
    snapshot: Option<&str>,
    mut progress: impl FnMut(&CheckReport),
) -> Result<CheckReport> {
    let manifest = choose(target, snapshot).await?;
    let mut report = CheckReport { snapshot: manifest.snapshot.clone(), ..CheckReport::default() };
    let mut own = vec![(manifest::ROWS.to_owned(), manifest.rows.clone())];
    own.extend(manifest.segments.iter().map(|segment| (spool::name(segment.id), segment.part.clone())));
    for (name, part) in own {
        let path = key_of(&manifest.snapshot, &name);
        let found = compare(target, &manifest.snapshot, &path, &part).await?.map(|wrong| wrong.why);
        report.note(path.to_string(), found, &part);
        progress(&report);
    }
    check_objects(target, &manifest, &mut report, &mut progress).await?;
    Ok(report)
}

async fn check_objects(
    target: &Target,
    manifest: &Manifest,
    report: &mut CheckReport,
    progress: &mut impl FnMut(&CheckReport),
) -> Result<()> {
    let list = key_of(&manifest.snapshot, manifest::OBJECTS);
    let mut compared = input::listed(target, &list, manifest.objects.clone())
        .map(|object| {
            let (target, snapshot) = (target.clone(), manifest.snapshot.clone());
            async move {
                let Object { key, part } = match object {
                    Ok(object) => object,
                    Err(error) => return Ok(Err(list_not_given(&target, &snapshot, error).await?)),
                };
                let found = compare(&target, &snapshot, &copied_key(&key), &part).await?;
                if found.as_ref().is_some_and(|wrong| wrong.is_rotten)
                    && let Err(error) = rotten::note(&target, &key).await
                {
                    tracing::warn!(%error, key, "a damaged copy was not marked to be copied again");
                }
                Ok::<_, Error>(Ok((key, part, found.map(|wrong| wrong.why))))
            }
        })
        .buffered(AT_ONCE)
        .boxed();
    while let Some(object) = compared.next().await.transpose()? {
        match object {
            Ok((key, part, found)) => report.note(key, found, &part),
            Err(why) => report.note(list.to_string(), Some(why), &manifest.objects),
        }
        progress(report);
    }
    Ok(())
}

/// What is wrong with an object of the target.
struct Wrong {
    why: String,
    /// It lies there, and is of no use.
    is_rotten: bool,
}

impl Wrong {
    fn rotten(why: impl Into<String>) -> Option<Self> {
        Some(Self { why: why.into(), is_rotten: true })
    }
}

/// What is wrong with an object of the target, `None` when it is what it should be.
async fn compare(
    target: &Target,
    snapshot: &str,
    path: &object_store::path::Path,
    part: &Part,
) -> Result<Option<Wrong>> {
    let read = async { copy::hash(copy::object(&target.objects, path).await?).await };
    Ok(match read.await {
        Ok(found) if found == *part => None,
        Ok(found) if found.length_bytes != part.length_bytes => Wrong::rotten("it has another length"),
        Ok(_) => Wrong::rotten("it has another hash"),
        Err(Error::NotFound) => Some(Wrong { why: "it is gone".to_owned(), is_rotten: false }),
        Err(error) => Wrong::rotten(not_given(target, snapshot, error).await?),
    })
}

/// What is to be said of a list of objects that cannot be read to its end.
pub(super) async fn list_not_given(target: &Target, snapshot: &str, error: Error) -> Result<String> {
    match error {
        Error::NotFound => Ok("it is gone".to_owned()),
        Error::Corrupt(why) => Ok(why),
        error => not_given(target, snapshot, error).await,
    }
}

/// What is to be said of an object that the target does not give; fails when it does not give the manifest either.
pub(super) async fn not_given(target: &Target, snapshot: &str, error: Error) -> Result<String> {
    match error.of_reading() {
        Some(why) if Manifest::read(target, snapshot).await.is_ok() => {
            Ok(format!("it cannot be read: {why}"))
        }
        _ => Err(error),
    }
}
