//! How long steps are kept that have ended.

use super::subscribers;
use crate::Result;
use crate::database::{Database, Durability, params};
use crate::dialect::{self, Hold};

/// Steps forgotten in one transaction.
const MOST_AT_ONCE: i64 = 500;
/// For so long it is known of a step that is forgotten that there was one.
const KNOWN_MS: i64 = 365 * 24 * 3_600_000;

/// Forgets steps that ended before that time and that no subscriber has locked (PS3.4 CC.2.3). A device that is no
/// longer configured holds nothing.
pub async fn prune(database: &Database, before_ms: i64) -> Result<u64> {
    let old = "select w.id from workitem w where w.ended_ms is not null and w.ended_ms < $1
         and not exists (select 1 from workitem_subscription s where s.workitem_id = w.id and s.deletion_lock = 1
             and not exists (select 1 from workitem_subscriber few
                 where few.ae_title = s.ae_title and few.owner = 'device:' || few.ae_title
                 and not exists (select 1 from device d where d.ae_title = few.ae_title)))
         order by w.ended_ms limit $2";
    if database.fetch_optional(old, params![before_ms, 1_i64]).await?.is_none() {
        return Ok(0);
    }
    let mut tx = database.begin(Durability::Batched).await?;
    // Nobody locks one of them meanwhile.
    dialect::hold_subscriptions(&mut tx, Hold::Alone).await?;
    let mut gone = 0;
    for row in tx.fetch(old, params![before_ms, MOST_AT_ONCE]).await? {
        let id: i64 = row.get("id")?;
        tx.execute("delete from workitem_subscription where workitem_id = $1", params![id]).await?;
        let sql = "insert into workitem_gone (uid, facility, ended_ms)
             select uid, facility, ended_ms from workitem where id = $1
             on conflict (uid) do update set facility = excluded.facility, ended_ms = excluded.ended_ms";
        tx.execute(sql, params![id]).await?;
        gone += tx.execute("delete from workitem where id = $1", params![id]).await?;
    }
    let sql = "delete from workitem_gone where ended_ms < $1";
    tx.execute(sql, params![before_ms.saturating_sub(KNOWN_MS)]).await?;
    subscribers::release(&mut tx).await?;
    tx.commit().await?;
    Ok(gone)
}
