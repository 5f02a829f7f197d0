//! What of a series still lies in the spool: served instances and kept versions alike.

use pacs_core::uid::Uid;

use super::instances::{hash, uid};
use super::place::Place;
use super::{PackId, SeriesId};
use crate::database::{Database, Param, Transaction, params};
use crate::{Result, dialect};

/// A row whose bytes lie in the spool.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The row.
    pub row: SpooledRow,
    /// SOP Instance UID.
    pub uid: Uid,
    /// Where its bytes lie.
    pub place: Place,
    /// Of its data set.
    pub hash: [u8; 32],
}

/// Of which table the row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpooledRow {
    /// A served instance.
    Instance(i64),
    /// A version that is kept and not served.
    Version(i64),
}

/// Up to `limit` rows of a series, served instances by their number first.
pub async fn of_series(database: &Database, series: SeriesId, limit: i64) -> Result<Vec<Spooled>> {
    let rows = database
        .fetch(
            "select cast(0 as bigint) as version, i.id, i.uid, i.number, i.segment_id, i.pack_id, i.offset_bytes, i.length_bytes,
                 i.head_bytes, i.hash
             from instance i where i.series_id = $1 and i.segment_id is not null
             union all
             select cast(1 as bigint) as version, v.id, i.uid, i.number, v.segment_id, v.pack_id, v.offset_bytes, v.length_bytes,
                 v.head_bytes, v.hash
             from instance i join instance_version v on v.instance_id = i.id
             where i.series_id = $1 and v.segment_id is not null
             order by 1, 4, 2 limit $2",
            params![series, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let id = row.get("id")?;
            Ok(Spooled {
                row: if row.flag("version")? { SpooledRow::Version(id) } else { SpooledRow::Instance(id) },
                uid: uid(row, "uid")?,
                place: Place::of(row)?,
                hash: hash(row)?,
            })
        })
        .collect()
}

/// Whether a row still tells that its bytes lie there.
pub async fn is_there(database: &Database, spooled: &Spooled) -> Result<bool> {
    let (sql, id) = match spooled.row {
        SpooledRow::Instance(id) => {
            ("select 1 from instance where id = $1 and segment_id = $2 and offset_bytes = $3", id)
        }
        SpooledRow::Version(id) => {
            ("select 1 from instance_version where id = $1 and segment_id = $2 and offset_bytes = $3", id)
        }
    };
    let [segment, _, offset, ..] = spooled.place.params();
    Ok(database.fetch_optional(sql, vec![id.into(), segment, offset]).await?.is_some())
}

/// Moves a row into a pack, if it still lies where it was copied from. Says whether it did.
pub async fn move_to_pack(
    tx: &mut Transaction,
    spooled: &Spooled,
    pack: PackId,
    offset_bytes: u64,
) -> Result<bool> {
    let to = i64::try_from(offset_bytes).unwrap_or(i64::MAX);
    let [segment, _, from, ..] = spooled.place.params();
    let params = |id: i64| -> Vec<Param> { vec![id.into(), pack.into(), to.into(), segment, from] };
    let moved = match spooled.row {
        SpooledRow::Instance(id) => {
            let sql = "update instance set segment_id = null, pack_id = $2, offset_bytes = $3
                 where id = $1 and segment_id = $4 and offset_bytes = $5";
            tx.execute(sql, params(id)).await?
        }
        SpooledRow::Version(id) => {
            let sql = "update instance_version set segment_id = null, pack_id = $2, offset_bytes = $3
                 where id = $1 and segment_id = $4 and offset_bytes = $5";
            tx.execute(sql, params(id)).await?
        }
    };
    Ok(moved == 1)
}

/// Notes that a series was settled; it stays unsettled while anything of it lies in the spool.
pub async fn settled(tx: &mut Transaction, series: SeriesId) -> Result<()> {
    // A statement of its own: an image that comes just now holds the series, and the next one sees it.
    let held = format!("select id from series where id = $1{}", dialect::for_update(tx.engine()));
    tx.fetch_optional(sqlx::AssertSqlSafe(held), params![series]).await?;
    tx.execute(
        "update series set unsettled = 0 where id = $1
         and not exists (select 1 from instance where series_id = $1 and segment_id is not null)
         and not exists (select 1 from instance i join instance_version v on v.instance_id = i.id
             where i.series_id = $1 and v.segment_id is not null)",
        params![series],
    )
    .await
    .map(drop)
}
