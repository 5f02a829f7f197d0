//! Several contents under one SOP Instance UID: one is served, the others are kept.

use pacs_core::attributes::InstanceAttributes;

use super::InstanceId;
use super::instances::hash;
use super::place::{self, Place};
use crate::Result;
use crate::database::{Transaction, params};
use crate::dialect;

/// Serves the kept version with that hash in place of what is served, which is kept from then on. Says
/// whether it did: `false` when there is no such version any more. The caller raises the revision.
pub(crate) async fn serve(
    tx: &mut Transaction,
    instance: InstanceId,
    chosen: &[u8; 32],
    lifted: &InstanceAttributes,
) -> Result<bool> {
    let lock = dialect::for_update(tx.engine());
    let served = format!(
        "select transfer_syntax, {}, hash, received_ms from instance where id = $1{lock}",
        place::COLUMNS
    );
    let Some(served) = tx.fetch_optional(sqlx::AssertSqlSafe(served), params![instance]).await? else {
        return Ok(false);
    };
    let kept = format!(
        "select id, transfer_syntax, {}, received_ms from instance_version where instance_id = $1 and hash = $2{lock}",
        place::COLUMNS
    );
    let Some(kept) = tx.fetch_optional(sqlx::AssertSqlSafe(kept), params![instance, chosen]).await? else {
        return Ok(false);
    };
    let mut values = params![kept.get::<i64>("id")?, served.get::<String>("transfer_syntax")?];
    values.extend(Place::of(&served)?.params());
    values.extend(params![&hash(&served)?, served.get::<i64>("received_ms")?]);
    tx.execute(
        "update instance_version set transfer_syntax = $2, segment_id = $3, pack_id = $4, offset_bytes = $5,
             length_bytes = $6, head_bytes = $7, hash = $8, received_ms = $9, calling_ae = null where id = $1",
        values,
    )
    .await?;
    let mut values = params![instance, kept.get::<String>("transfer_syntax")?];
    values.extend(Place::of(&kept)?.params());
    values.extend(params![
        chosen,
        kept.get::<i64>("received_ms")?,
        &lifted.class,
        lifted.number,
        lifted.rows,
        lifted.columns,
        lifted.bits_allocated,
        lifted.frames
    ]);
    tx.execute(
        "update instance set transfer_syntax = $2, segment_id = $3, pack_id = $4, offset_bytes = $5,
             length_bytes = $6, head_bytes = $7, hash = $8, received_ms = $9, class = $10, number = $11,
             pixel_rows = $12, pixel_columns = $13, bits_allocated = $14, frames = $15 where id = $1",
        values,
    )
    .await?;
    Ok(true)
}
