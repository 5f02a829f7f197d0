//! The lease that one serving node holds in the database.
//!
//! Two programs over one index would each free segments that the other still reads. A node that
//! restarts takes its own lease back at once; another waits until it has run out.

use crate::database::{Database, Durability, params};
use crate::{Error, Result, dialect};

const SERVING: &str = "serving";

/// The right to serve the archive, to be renewed well before it runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    node: String,
    /// Grows whenever the lease changes hands or is taken anew.
    epoch: i64,
}

/// Takes the lease for `ttl_ms`. [`Error::Conflict`] while another node holds it.
pub async fn acquire(database: &Database, node: &str, ttl_ms: i64, now_ms: i64) -> Result<Lease> {
    let mut tx = database.begin(Durability::Synced).await?;
    tx.execute(
        "insert into node_lease (name, node, epoch, expires_ms) values ($1, $2, 0, 0) on conflict (name) do nothing",
        params![SERVING, node],
    )
    .await?;
    let sql = format!(
        "select node, epoch, expires_ms from node_lease where name = $1{}",
        dialect::for_update(tx.engine())
    );
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![SERVING]).await?;
    let (holder, epoch, expires_ms): (String, i64, i64) =
        (row.get("node")?, row.get("epoch")?, row.get("expires_ms")?);
    if holder != node && expires_ms > now_ms {
        return Err(Error::Conflict(format!(
            "node {holder} serves this archive; its lease runs out in {} s",
            (expires_ms - now_ms + 999) / 1000
        )));
    }
    let epoch = epoch + 1;
    tx.execute(
        "update node_lease set node = $2, epoch = $3, expires_ms = $4 where name = $1",
        params![SERVING, node, epoch, now_ms + ttl_ms],
    )
    .await?;
    tx.commit().await?;
    Ok(Lease { node: node.to_owned(), epoch })
}

/// Prolongs the lease. [`Error::Conflict`] when it was taken by another: stop serving.
pub async fn renew(database: &Database, lease: &Lease, ttl_ms: i64, now_ms: i64) -> Result<()> {
    let renewed = database
        .execute(
            "update node_lease set expires_ms = $4 where name = $1 and node = $2 and epoch = $3",
            params![SERVING, &lease.node, lease.epoch, now_ms + ttl_ms],
        )
        .await?;
    if renewed == 0 { Err(Error::Conflict("the lease was taken by another node".into())) } else { Ok(()) }
}

/// Gives the lease back, so that another node may serve at once.
pub async fn release(database: &Database, lease: &Lease) -> Result<()> {
    database
        .execute(
            "update node_lease set expires_ms = 0 where name = $1 and node = $2 and epoch = $3",
            params![SERVING, &lease.node, lease.epoch],
        )
        .await
        .map(drop)
}
