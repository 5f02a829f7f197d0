//! Clearing older snapshots away, and the objects that only they name.

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload};

use super::input::{self, Input};
use super::manifest::{self, Manifest, Object};
use super::{Target, copied_key, key_of};
use crate::error::{Error, Result};
use crate::packs;

/// Objects removed at once.
const AT_ONCE: usize = 8;

/// Keeps the newest `keep` good snapshots, and at least `newest`; answers how many were cleared away. A snapshot
/// whose manifest is damaged is left for somebody to look at.
pub(super) async fn prune(target: &Target, keep: u32, newest: &str) -> Result<u64> {
    let (mut kept, mut dropped, mut broken_off) = (Vec::new(), Vec::new(), Vec::new());
    for listed in manifest::list(target).await? {
        match listed.manifest {
            Ok(manifest) if kept.len() < keep.max(1) as usize || listed.snapshot == newest => {
                kept.push(manifest)
            }
            Ok(manifest) => dropped.push(manifest.snapshot),
            // One run at a time: what is older than this one has been broken off.
            Err(Error::NotFound) if listed.snapshot.as_str() < newest => broken_off.push(listed.snapshot),
            Err(error) => tracing::warn!(%error, snapshot = listed.snapshot, "a snapshot is not looked at"),
        }
    }
    for snapshot in &dropped {
        target.objects.put(&key_of(snapshot, manifest::DROPPED), PutPayload::new()).await?;
    }
    let removed = dropped.len() as u64;
    for snapshot in dropped.iter().chain(&broken_off) {
        match Manifest::read_dropped(target, snapshot).await {
            Ok(manifest) => remove_objects(target, &manifest, &kept).await?,
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        remove_snapshot(target, snapshot).await?;
    }
    Ok(removed)
}

/// Removes the objects that a snapshot names and none of `kept` does. All lists are in the order of keys, so that they
/// are read side by side.
async fn remove_objects(target: &Target, dropped: &Manifest, kept: &[Manifest]) -> Result<()> {
    let mut others = Vec::with_capacity(kept.len());
    for manifest in kept {
        others.push(Walk::begin(target, manifest).await?);
    }
    let mut walk = Walk::begin(target, dropped).await?;
    while let Some(object) = walk.next_pack().await? {
        let mut is_named = false;
        for other in &mut others {
            is_named |= other.names(&object.key).await?;
        }
        if !is_named {
            remove(target, &copied_key(&object.key)).await?;
        }
    }
    Ok(())
}

/// A list being read.
struct Walk {
    input: Input<Object>,
    /// The next pack or companion, once it was looked at.
    ahead: Option<Object>,
}

impl Walk {
    async fn begin(target: &Target, manifest: &Manifest) -> Result<Self> {
        let path = key_of(&manifest.snapshot, manifest::OBJECTS);
        Ok(Self { input: input::objects(target, &path, manifest.objects.clone()).await?, ahead: None })
    }

    /// The next that is not of the journal, which only grows.
    async fn next_pack(&mut self) -> Result<Option<Object>> {
        if let Some(object) = self.ahead.take() {
            return Ok(Some(object));
        }
        while let Some(object) = self.input.next().await? {
            if object.key.starts_with(packs::PREFIX) {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    /// Whether it names a key; keys are asked for in their order.
    async fn names(&mut self, key: &str) -> Result<bool> {
        while let Some(object) = self.next_pack().await? {
            match object.key.as_str().cmp(key) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Greater => {
                    self.ahead = Some(object);
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }
}

/// Removes a snapshot; that it is being cleared away is known until the end.
async fn remove_snapshot(target: &Target, snapshot: &str) -> Result<()> {
    let folder = Path::from(format!("{}/{snapshot}", manifest::SNAPSHOTS));
    let mark = key_of(snapshot, manifest::DROPPED);
    let found = target.objects.list(Some(&folder)).map_err(Error::from);
    let removals = found.try_filter(|found| std::future::ready(found.location != mark));
    let remove_one = |found: object_store::ObjectMeta| {
        let target = target.clone();
        async move { remove(&target, &found.location).await }
    };
    removals.try_for_each_concurrent(AT_ONCE, remove_one).await?;
    remove(target, &mark).await
}

async fn remove(target: &Target, path: &Path) -> Result<()> {
    match target.objects.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
