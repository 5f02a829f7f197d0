//! Clearing older snapshots away, and the objects that only they name.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload};

use super::input::{self, Input};
use super::manifest::{self, Manifest, Object};
use super::{Source, Target, copied_key, key_of, runs};
use crate::error::{Error, Result};
use crate::packs::{self, store};
use tokio::task::spawn_blocking;

/// Objects removed at once.
const AT_ONCE: usize = 8;

/// How long snapshots of other rows are left alone after the newest of them: somebody else may still take them, such as
/// a trial restore on another machine, or the archive whose trial restore this is. Later they are what is left of the
/// archive that was before a restore.
const OTHERS_MS: i64 = 30 * 24 * 3_600_000;

/// Keeps the newest `keep` good snapshots, and at least `newest`; answers how many were cleared away. Those of other
/// rows are kept beside them. A snapshot whose manifest is damaged is left for somebody to look at.
pub(super) async fn prune(source: &Source, target: &Target, keep: u32, newest: &str) -> Result<u64> {
    let own = runs::snapshots(&source.database).await?;
    let listed = manifest::list(target).await?;
    let are_others_left = !are_others_at_work(&own, &listed, source.clock.now_ms());
    let (mut kept, mut dropped, mut broken_off) = (Vec::new(), Vec::new(), Vec::new());
    let mut counted = 0;
    for listed in listed {
        let counts = are_others_left || own.contains(&listed.snapshot);
        match listed.manifest {
            Ok(manifest) if !counts || counted < keep.max(1) || listed.snapshot == newest => {
                counted += u32::from(counts);
                kept.push(manifest);
            }
            Ok(manifest) => dropped.push(manifest.snapshot),
            // One run at a time has the target: what is older than this one has been broken off.
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
    for name in manifest::names(target).await?.into_iter().filter(|name| name.as_str() < newest) {
        let (url, folder) = (target.name.clone(), format!("{}/{name}", manifest::SNAPSHOTS));
        let cleared = spawn_blocking(move || store::remove_leftovers_below(&url, &folder)).await;
        let cleared = cleared.map_err(Error::thread)?;
        cleared.map_err(|error| Error::io("clear away what uploads have left", error))?;
    }
    Ok(removed)
}

fn are_others_at_work(own: &HashSet<String>, listed: &[manifest::Listed], now_ms: i64) -> bool {
    let others = listed.iter().filter(|listed| !own.contains(&listed.snapshot));
    let newest_ms = others.filter_map(|listed| Some(listed.manifest.as_ref().ok()?.taken_ms)).max();
    newest_ms.is_some_and(|taken_ms| now_ms.saturating_sub(taken_ms) < OTHERS_MS)
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
