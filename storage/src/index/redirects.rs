//! Where late images of a moved, merged or split study or series go.

use pacs_core::uid::Uid;

use crate::Result;
use crate::database::{Transaction, params};

/// What kind of UID was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// A Study Instance UID.
    Study,
    /// A Series Instance UID.
    Series,
}

impl Moved {
    fn as_str(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Series => "series",
        }
    }
}

/// Makes late images of `from` go to `to`.
pub async fn set(tx: &mut Transaction, moved: Moved, from: &Uid, to: &Uid, act_id: i64) -> Result<()> {
    tx.execute(
        "insert into redirect (kind, from_uid, to_uid, act_id) values ($1, $2, $3, $4)
         on conflict (kind, from_uid) do update set to_uid = excluded.to_uid, act_id = excluded.act_id",
        params![moved.as_str(), from, to, act_id],
    )
    .await
    .map(drop)
}

/// Where an object of that UID goes: the UID itself, unless it was moved. A few moves of moves are
/// followed, and a circle ends where it is met.
pub async fn follow(tx: &mut Transaction, moved: Moved, uid: &str) -> Result<String> {
    const MOST_MOVES: usize = 8;
    let mut uid = uid.to_owned();
    for _ in 0..MOST_MOVES {
        let next = tx
            .fetch_optional(
                "select to_uid from redirect where kind = $1 and from_uid = $2",
                params![moved.as_str(), &uid],
            )
            .await?;
        match next {
            Some(row) => uid = row.at(0)?,
            None => break,
        }
    }
    Ok(uid)
}
