//! Trying the object store: before it is needed, for an administrator who has just configured it, and when it does not
//! give what it should.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::spawn_blocking;

use crate::database::{Database, params};
use crate::error::{Error, Result};
use crate::packs::{self, store};

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

/// The newest and the oldest packs that are tried.
const OTHERS: u32 = 3;

/// Whether the object store gives something of another pack than the one of `key`, its own or its companion's: then it
/// is there, and what it does not give of this one is damage. Where there is no other pack, whether it can be listed.
pub(crate) async fn gives_others(
    database: &Database,
    objects: &Arc<dyn ObjectStore>,
    key: &str,
) -> Result<bool> {
    let own = packs::pack_key(key);
    let own = own.as_deref().unwrap_or(key);
    let mut others = Vec::new();
    for order in ["asc", "desc"] {
        let sql = format!(
            "select object_key from pack where companion_bytes > 0 and deleted_ms is null and object_key <> $1
             order by id {order} limit $2"
        );
        for row in database.fetch(sqlx::AssertSqlSafe(sql), params![own, OTHERS]).await? {
            others.push(packs::path(&row.get::<String>("object_key")?));
        }
    }
    if others.is_empty() {
        return Ok(objects.list(Some(&packs::path(packs::PREFIX))).next().await.transpose().is_ok());
    }
    let mut reads: FuturesUnordered<_> = others.iter().map(|path| objects.get_range(path, 0..1)).collect();
    while let Some(read) = reads.next().await {
        if read.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}
