//! Followers of the outbox that act on every event once, though the program ends in between: each has its
//! place in a row, which moves in the transaction of its acts.

use crate::Result;
use crate::database::{Database, Durability, Transaction, params};
use crate::dialect;
use crate::events::{self, Event};

/// Events that one transaction acts on.
const AT_ONCE: u32 = 100;

/// The next events of a follower, with the transaction to act in; `None` when there are none. One that
/// never followed begins with what is to come.
pub async fn next(database: &Database, name: &str) -> Result<Option<(Transaction, Vec<Event>)>> {
    let known = database.fetch_optional("select cursor from follower where name = $1", params![name]).await?;
    let cursor: i64 = match known {
        Some(row) => row.at(0)?,
        None => {
            let newest = events::newest(database).await?;
            let sql = "insert into follower (name, cursor) values ($1, $2) on conflict (name) do nothing";
            database.execute(sql, params![name, newest]).await?;
            newest
        }
    };
    let events = events::since(database, cursor, AT_ONCE).await?;
    let Some(last) = events.last() else { return Ok(None) };
    let mut tx = database.begin(Durability::Batched).await?;
    // Nobody else acts on them.
    let sql = format!("select cursor from follower where name = $1{}", dialect::for_update(tx.engine()));
    let now: i64 = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![name]).await?.at(0)?;
    if now != cursor {
        return Ok(None);
    }
    tx.execute("update follower set cursor = $2 where name = $1", params![name, last.id]).await?;
    Ok(Some((tx, events)))
}
