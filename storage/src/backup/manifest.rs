//! What a snapshot consists of, and which snapshots there are.

use futures::StreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::left_out::LeftOut;
use super::{Lineage, Target, key_of};
use crate::error::{Error, Result};

/// Version of everything in a snapshot.
pub(super) const FORMAT: u32 = 1;
/// Folder of the snapshots.
pub(super) const SNAPSHOTS: &str = "snapshots";
pub(super) const ROWS: &str = "rows.gz";
pub(super) const OBJECTS: &str = "objects.gz";
const MANIFEST: &str = "manifest.jsonl";
/// Lies in a snapshot that is being cleared away.
pub(super) const DROPPED: &str = "dropped";

/// Length and blake3 of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Size in bytes.
    pub length_bytes: u64,
    /// blake3 in hexadecimal digits.
    pub blake3: String,
}

/// An object of the archive that a snapshot names: a line of its `objects.gz`, by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Object {
    pub key: String,
    #[serde(flatten)]
    pub part: Part,
}

/// A segment of the spool in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Its number, which names its file.
    pub id: i64,
    /// What of it was copied.
    #[serde(flatten)]
    pub part: Part,
}

/// What a snapshot consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Version of everything in the snapshot.
    pub format: u32,
    /// Its name.
    pub snapshot: String,
    /// Whose it is.
    pub archive: String,
    /// Version of the program that took it.
    pub program: String,
    /// Version of the schema of its rows.
    pub schema: i64,
    /// When it was taken, RFC 3339.
    pub taken_at: String,
    /// The same in milliseconds.
    pub taken_ms: i64,
    /// The rows.
    pub rows: Part,
    /// How many they are.
    pub row_count: u64,
    /// The list of objects.
    pub objects: Part,
    /// How many there are in it.
    pub object_count: u64,
    /// Bytes of all of them.
    pub object_bytes: u64,
    /// Segments of the spool.
    pub segments: Vec<Segment>,
    /// What was not what was stored when it was taken.
    pub damaged: u64,
    /// What the archive was taken back before, and is not to come again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Where the archive comes from.
    #[serde(default, skip_serializing_if = "Lineage::is_first")]
    pub lineage: Lineage,
}

/// The second line of a manifest's file.
#[derive(Serialize, Deserialize)]
struct Seal {
    blake3: String,
}

impl Manifest {
    /// Writes it, which makes the snapshot a good one.
    pub(super) async fn write(&self, target: &Target) -> Result<()> {
        let broken = |error| Error::internal("write the manifest of a backup", error);
        let mut text = serde_json::to_vec(self).map_err(broken)?;
        let seal = Seal { blake3: blake3::hash(&text).to_hex().to_string() };
        text.push(b'\n');
        serde_json::to_writer(&mut text, &seal).map_err(broken)?;
        text.push(b'\n');
        target.objects.put(&key_of(&self.snapshot, MANIFEST), PutPayload::from(text)).await?;
        Ok(())
    }

    /// Reads that of a snapshot; not found when it was broken off or is being cleared away.
    pub(super) async fn read(target: &Target, snapshot: &str) -> Result<Self> {
        match target.objects.head(&key_of(snapshot, DROPPED)).await {
            Err(object_store::Error::NotFound { .. }) => Self::read_dropped(target, snapshot).await,
            Ok(_) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, also of one that is being cleared away.
    pub(super) async fn read_dropped(target: &Target, snapshot: &str) -> Result<Self> {
        let text = target.objects.get(&key_of(snapshot, MANIFEST)).await?.bytes().await?;
        let damaged = |why: String| Error::Corrupt(format!("the manifest of {snapshot}: {why}"));
        let mut lines = text.split(|byte| *byte == b'\n');
        let (manifest, seal) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let seal: Seal = serde_json::from_slice(seal).map_err(|error| damaged(error.to_string()))?;
        if blake3::hash(manifest).to_hex().as_str() != seal.blake3 {
            return Err(damaged("it has another hash".to_owned()));
        }
        let manifest: Self = serde_json::from_slice(manifest).map_err(|error| damaged(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!("format {} is of a newer version of the program", manifest.format)));
        }
        Ok(manifest)
    }
}

/// A snapshot of a target.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub snapshot: String,
    /// What it consists of; not found when it was broken off, corrupt when its manifest is damaged.
    pub manifest: Result<Manifest>,
}

/// The names of all snapshots of a target, newest first, of those too of which nothing is there any more.
pub(super) async fn names(target: &Target) -> Result<Vec<String>> {
    let prefix = object_store::path::Path::from(SNAPSHOTS);
    let found = target.objects.list_with_delimiter(Some(&prefix)).await?;
    let mut names: Vec<String> =
        found.common_prefixes.iter().filter_map(|path| Some(path.filename()?.to_owned())).collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

/// The snapshots of a target, newest first. Fails when the target is away.
pub async fn list(target: &Target) -> Result<Vec<Listed>> {
    let names = names(target).await?;
    let mut listed = Vec::with_capacity(names.len());
    for snapshot in names {
        let manifest = match Manifest::read(target, &snapshot).await {
            Err(error @ Error::Unavailable(_)) => return Err(error),
            // A local store keeps the folder of what was cleared away.
            Err(Error::NotFound) if is_empty(target, &snapshot).await? => continue,
            manifest => manifest,
        };
        listed.push(Listed { snapshot, manifest });
    }
    Ok(listed)
}

async fn is_empty(target: &Target, snapshot: &str) -> Result<bool> {
    let folder = object_store::path::Path::from(format!("{SNAPSHOTS}/{snapshot}"));
    let first = target.objects.list(Some(&folder)).next().await;
    Ok(first.transpose()?.is_none())
}
