//! The hold that a running backup has on its target. Two that do not share their rows, such as an archive and the trial
//! restore of it on another machine, would clear away what the other has begun.

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use serde::{Deserialize, Serialize};

use super::{Source, Target, runs};
use crate::error::{Error, Result};

const LEASE: &str = "lease.json";
/// How long a target is held without a word: the clocks of two machines may be minutes apart.
const HOLD_MS: i64 = 15 * 60_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lease {
    /// Of which backup.
    snapshot: String,
    until_ms: i64,
}

/// Takes the hold. [`Error::Conflict`] while a backup of other rows has it; what an earlier one of these rows has left
/// holds nothing, since they are taken one at a time.
pub(super) async fn take(source: &Source, target: &Target, snapshot: &str) -> Result<()> {
    if let Some(lease) = read(target).await?
        && lease.until_ms > source.clock.now_ms()
        && !runs::is_known(&source.database, &lease.snapshot).await?
    {
        let (name, other) = (&target.name, lease.snapshot);
        return Err(Error::Conflict(format!("another backup into {name} is under way: {other}")));
    }
    write(source, target, snapshot).await
}

/// Keeps the hold. [`Error::Conflict`] when another backup has taken it: then copies may have gone meanwhile.
pub(super) async fn renew(source: &Source, target: &Target, snapshot: &str) -> Result<()> {
    match read(target).await? {
        Some(lease) if lease.snapshot == snapshot => write(source, target, snapshot).await,
        _ => Err(Error::Conflict(format!("another backup has taken {} over", target.name))),
    }
}

/// Gives the hold back.
pub(super) async fn release(target: &Target, snapshot: &str) {
    let released = async {
        match read(target).await? {
            Some(lease) if lease.snapshot == snapshot => {
                Ok(target.objects.delete(&Path::from(LEASE)).await?)
            }
            _ => Ok::<_, Error>(()),
        }
    };
    if let Err(error) = released.await {
        tracing::warn!(%error, "the backup target was not given back");
    }
}

async fn read(target: &Target) -> Result<Option<Lease>> {
    match target.objects.get(&Path::from(LEASE)).await {
        // One that cannot be understood holds nothing.
        Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?).ok()),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn write(source: &Source, target: &Target, snapshot: &str) -> Result<()> {
    let until_ms = source.clock.now_ms().saturating_add(HOLD_MS);
    let lease = serde_json::to_vec(&Lease { snapshot: snapshot.to_owned(), until_ms })
        .map_err(|error| Error::internal("hold a backup target", error))?;
    target.objects.put(&Path::from(LEASE), PutPayload::from(lease)).await?;
    Ok(())
}
