//! Packs: one immutable tar in the object store for the instances of a series that had rested.

use super::{PackId, SeriesId};
use crate::database::{Database, Row, Transaction, params};
use crate::{Error, Result};

/// What is known of a pack once it is written.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Of the tar.
    pub length_bytes: i64,
    /// Of the companion.
    pub companion_bytes: i64,
    /// How many instances it was made with.
    pub instance_count: i64,
}

/// A pack's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The row.
    pub id: PackId,
    /// Key of the tar.
    pub object_key: String,
    /// The series whose instances it holds; `None` while they are being indexed anew.
    pub series: Option<SeriesId>,
    /// Whether it is whole, with its companion.
    pub finished: bool,
    /// Whether it is on its way out.
    pub deleted: bool,
}

const COLUMNS: &str = "id, object_key, companion_bytes, series_id, deleted_ms";

/// Notes that a pack is going to be written, so that the next start can finish or undo it.
pub async fn begin(tx: &mut Transaction, series: SeriesId, object_key: &str, now_ms: i64) -> Result<PackId> {
    let row = tx
        .fetch_one(
            "insert into pack (series_id, object_key, length_bytes, companion_bytes, instance_count, created_ms)
             values ($1, $2, 0, 0, 0, $3) returning id",
            params![series, object_key, now_ms],
        )
        .await?;
    Ok(PackId(row.get("id")?))
}

/// Notes that a pack and its companion are safe in the object store. In conflict with its being
/// undone.
pub async fn finish(tx: &mut Transaction, id: PackId, sizes: Sizes) -> Result<()> {
    let finished = tx
        .execute(
            "update pack set length_bytes = $2, companion_bytes = $3, instance_count = $4
             where id = $1 and companion_bytes = 0 and deleted_ms is null",
            params![id, sizes.length_bytes, sizes.companion_bytes, sizes.instance_count],
        )
        .await?;
    if finished == 1 { Ok(()) } else { Err(Error::Conflict("the pack was undone meanwhile".into())) }
}

/// Marks a pack that is not finished to be removed. Says whether it was.
pub async fn mark_undone(tx: &mut Transaction, id: PackId, now_ms: i64) -> Result<bool> {
    let sql = "update pack set deleted_ms = $2 where id = $1 and companion_bytes = 0 and deleted_ms is null";
    Ok(tx.execute(sql, params![id, now_ms]).await? == 1)
}

/// Packs that were begun and neither finished nor undone: what is being written now, and what a
/// crash or an outage left.
pub async fn unfinished(database: &Database) -> Result<Vec<(SeriesId, Pack)>> {
    let sql =
        format!("select {COLUMNS} from pack where companion_bytes = 0 and deleted_ms is null order by id");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?;
    rows.iter().map(|row| Ok((SeriesId(row.get("series_id")?), read(row)?))).collect()
}

/// Packs that are whole, by their rows.
pub async fn whole_after(database: &Database, after: PackId, limit: i64) -> Result<Vec<PackId>> {
    let sql = "select id from pack where id > $1 and companion_bytes > 0 and deleted_ms is null
         order by id limit $2";
    let rows = database.fetch(sql, params![after, limit]).await?;
    rows.iter().map(|row| Ok(PackId(row.get("id")?))).collect()
}

/// Takes up a whole pack that the rows do not know; the instances in it get their rows after it.
pub async fn adopt(tx: &mut Transaction, object_key: &str, sizes: Sizes, now_ms: i64) -> Result<PackId> {
    let row = tx
        .fetch_one(
            "insert into pack (object_key, length_bytes, companion_bytes, instance_count, created_ms)
             values ($1, $2, $3, $4, $5) returning id",
            params![object_key, sizes.length_bytes, sizes.companion_bytes, sizes.instance_count, now_ms],
        )
        .await?;
    Ok(PackId(row.get("id")?))
}

/// Notes whose instances a pack holds, and how many.
pub async fn belongs_to(tx: &mut Transaction, id: PackId, series: SeriesId) -> Result<()> {
    tx.execute(
        "update pack set series_id = $2, instance_count = (select count(*) from instance where pack_id = $1)
             + (select count(*) from instance_version where pack_id = $1)
         where id = $1",
        params![id, series],
    )
    .await
    .map(drop)
}

/// Whether nothing lies in a pack by the rows.
pub async fn is_unused(tx: &mut Transaction, id: PackId) -> Result<bool> {
    let row = tx
        .fetch_optional(
            "select 1 from instance where pack_id = $1
             union all select 1 from instance_version where pack_id = $1 limit 1",
            params![id],
        )
        .await?;
    Ok(row.is_none())
}

/// The pack with that key.
pub async fn by_key(database: &Database, object_key: &str) -> Result<Option<Pack>> {
    let sql = format!("select {COLUMNS} from pack where object_key = $1");
    database
        .fetch_optional(sqlx::AssertSqlSafe(sql), params![object_key])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A pack by its row.
pub async fn by_id(database: &Database, id: PackId) -> Result<Option<Pack>> {
    let sql = format!("select {COLUMNS} from pack where id = $1");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id]).await?.as_ref().map(read).transpose()
}

/// Parts packs from a series that is going. One that is being written for it comes to nothing.
pub async fn left_by_series(tx: &mut Transaction, series: SeriesId, now_ms: i64) -> Result<()> {
    tx.execute(
        "update pack set deleted_ms = $2 where series_id = $1 and companion_bytes = 0 and deleted_ms is null",
        params![series, now_ms],
    )
    .await?;
    tx.execute("update pack set series_id = null where series_id = $1", params![series]).await.map(drop)
}

/// Marks a pack whose rows have gone; its objects follow later.
pub async fn mark_deleted(tx: &mut Transaction, id: PackId, now_ms: i64) -> Result<()> {
    tx.execute("update pack set deleted_ms = $2 where id = $1 and deleted_ms is null", params![id, now_ms])
        .await
        .map(drop)
}

/// Packs marked before `before_ms`: their objects may go.
pub async fn deleted_before(database: &Database, before_ms: i64, limit: i64) -> Result<Vec<Pack>> {
    let sql = format!(
        "select {COLUMNS} from pack where deleted_ms is not null and deleted_ms < $1 order by deleted_ms limit $2"
    );
    database.fetch(sqlx::AssertSqlSafe(sql), params![before_ms, limit]).await?.iter().map(read).collect()
}

/// Takes a pack's row away, after its objects; fails while an instance lies in it.
pub async fn remove(tx: &mut Transaction, id: PackId) -> Result<()> {
    tx.execute("delete from pack where id = $1", params![id]).await.map(drop)
}

fn read(row: &Row) -> Result<Pack> {
    Ok(Pack {
        id: PackId(row.get("id")?),
        object_key: row.get("object_key")?,
        series: row.get::<Option<i64>>("series_id")?.map(SeriesId),
        finished: row.get::<i64>("companion_bytes")? > 0,
        deleted: row.get::<Option<i64>>("deleted_ms")?.is_some(),
    })
}
