//! Segments of the spool: the files on the disk of one node that arriving instances are appended
//! to. The spool names them; the rows say which node holds them and what still lies in them.

use std::collections::HashSet;

use super::SegmentId;
use crate::database::{Database, Durability, params};
use crate::{Error, Result};

/// Notes segments of a node, before the first instance in them gets its row. Like that row it may
/// be lost with the power, and is made again with it.
pub async fn ensure(database: &Database, node: &str, ids: &[SegmentId], now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Batched).await?;
    for id in ids {
        tx.execute(
            "insert into segment (id, node, created_ms) values ($1, $2, $3) on conflict (id) do nothing",
            params![*id, node, now_ms],
        )
        .await?;
    }
    tx.commit().await
}

/// All segments that rows tell of, also those on the disks of other nodes.
pub async fn all(database: &Database) -> Result<Vec<SegmentId>> {
    let rows = database.fetch("select id from segment order by id", params![]).await?;
    rows.iter().map(|row| Ok(SegmentId(row.get("id")?))).collect()
}

/// Where the instances and versions begin that lie in a segment by the rows.
pub async fn offsets(database: &Database, id: SegmentId) -> Result<HashSet<u64>> {
    let rows = database
        .fetch(
            "select offset_bytes from instance where segment_id = $1
             union all select offset_bytes from instance_version where segment_id = $1",
            params![id],
        )
        .await?;
    let offset = |at: i64| u64::try_from(at).map_err(|_| Error::Corrupt("an offset is negative".into()));
    rows.iter().map(|row| offset(row.get("offset_bytes")?)).collect()
}

/// Whether nothing lies in a segment any more.
pub async fn is_unused(database: &Database, id: SegmentId) -> Result<bool> {
    let row = database
        .fetch_optional(
            "select 1 from instance where segment_id = $1
             union all select 1 from instance_version where segment_id = $1 limit 1",
            params![id],
        )
        .await?;
    Ok(row.is_none())
}

/// Takes a segment's row away; fails while an instance lies in it.
pub async fn remove(database: &Database, id: SegmentId) -> Result<()> {
    let mut tx = database.begin(Durability::Batched).await?;
    tx.execute("delete from segment where id = $1", params![id]).await?;
    tx.commit().await
}
