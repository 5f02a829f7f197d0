//! Reading a snapshot back: is everything there, and what it was?

use futures::StreamExt as _;

use super::manifest::{self, Manifest, Object, Part};
use super::{NAMED, Target, copied_key, copy, input, key_of, spool};
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

/// Reads everything that a snapshot names, the newest one unless it is said, and compares lengths and hashes;
/// `progress` hears after each thing.
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
        let found = compare(target, &path, &part).await?;
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
    let objects = input::objects(target, &list, manifest.objects.clone()).await?;
    let mut compared = objects
        .stream()
        .map(|object| {
            let target = target.clone();
            async move {
                let Object { key, part } = object?;
                let found = compare(&target, &copied_key(&key), &part).await?;
                Ok::<_, Error>((key, part, found))
            }
        })
        .buffered(AT_ONCE)
        .boxed();
    while let Some((key, part, found)) = compared.next().await.transpose()? {
        report.note(key, found, &part);
        progress(report);
    }
    Ok(())
}

/// What is wrong with an object of the target, `None` when it is what it should be.
async fn compare(target: &Target, path: &object_store::path::Path, part: &Part) -> Result<Option<String>> {
    let read = async { copy::hash(copy::object(&target.objects, path).await?).await };
    Ok(match read.await {
        Ok(found) if found == *part => None,
        Ok(found) if found.length_bytes != part.length_bytes => Some("it has another length".to_owned()),
        Ok(_) => Some("it has another hash".to_owned()),
        Err(Error::NotFound) => Some("it is gone".to_owned()),
        Err(error) => return Err(error),
    })
}
