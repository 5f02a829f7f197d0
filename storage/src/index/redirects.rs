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

/// Makes late images of `from` stay there.
pub async fn forget(tx: &mut Transaction, moved: Moved, from: &str) -> Result<()> {
    tx.execute("delete from redirect where kind = $1 and from_uid = $2", params![moved.as_str(), from])
        .await
        .map(drop)
}

/// Where a series and a study of these UIDs go: the UIDs themselves, unless they were moved. A few
/// moves of moves are followed, and a circle ends where it is met.
pub async fn follow(tx: &mut Transaction, series: &str, study: &str) -> Result<(String, String)> {
    const MOST_MOVES: usize = 8;
    let (mut series, mut study) = (series.to_owned(), study.to_owned());
    for _ in 0..MOST_MOVES {
        let moves = tx
            .fetch(
                "select kind, to_uid from redirect where kind = 'series' and from_uid = $1
                 union all select kind, to_uid from redirect where kind = 'study' and from_uid = $2",
                params![&series, &study],
            )
            .await?;
        for moved in &moves {
            let to: String = moved.get("to_uid")?;
            match moved.get::<String>("kind")?.as_str() {
                "series" => series = to,
                _ => study = to,
            }
        }
        if moves.is_empty() {
            break;
        }
    }
    Ok((series, study))
}
