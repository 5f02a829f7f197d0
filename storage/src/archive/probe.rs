//! Trying the object store before it is needed, for an administrator who has just configured it.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};
use crate::packs::store;

const CONTENT: &[u8] = b"sen was here";

/// Writes a small object into the store of `url`, reads it back and takes it away. Unavailable with
/// the store's own words when any of that fails.
pub async fn probe_objects(url: &str) -> Result<()> {
    let url = url.to_owned();
    let objects = spawn_blocking(move || store::open(&url)).await.map_err(Error::thread)??;
    // At the top, since a folder below it would stay.
    let path = Path::from(format!("probe-{:032x}", rand::random::<u128>()));
    objects.put(&path, PutPayload::from_static(CONTENT)).await?;
    let read = async { objects.get(&path).await?.bytes().await };
    let read = read.await;
    objects.delete(&path).await?;
    if read? == CONTENT { Ok(()) } else { Err(Error::Corrupt("an object came back changed".to_owned())) }
}
