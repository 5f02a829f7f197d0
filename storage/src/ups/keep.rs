//! How long steps are kept that have ended.

use crate::Result;
use crate::database::{Database, Durability, params};

/// Steps forgotten in one transaction.
const MOST_AT_ONCE: i64 = 500;

/// Forgets steps that ended before that time and that no subscriber has locked (PS3.4 CC.2.3).
pub async fn prune(database: &Database, before_ms: i64) -> Result<u64> {
    let old = "select w.id from workitem w where w.ended_ms is not null and w.ended_ms < $1
         and not exists (select 1 from workitem_subscription s where s.workitem_id = w.id and s.deletion_lock = 1)
         order by w.ended_ms limit $2";
    if database.fetch_optional(old, params![before_ms, 1_i64]).await?.is_none() {
        return Ok(0);
    }
    let mut tx = database.begin(Durability::Batched).await?;
    let mut gone = 0;
    for row in tx.fetch(old, params![before_ms, MOST_AT_ONCE]).await? {
        let id: i64 = row.get("id")?;
        tx.execute("delete from workitem_subscription where workitem_id = $1", params![id]).await?;
        gone += tx.execute("delete from workitem where id = $1", params![id]).await?;
    }
    tx.commit().await?;
    Ok(gone)
}
