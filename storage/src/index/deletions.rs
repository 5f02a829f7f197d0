//! What was deleted, so that it stays so.
//!
//! Bytes outlive their rows: in a segment or pack that others lie in, for an hour in a pack of their
//! own, for ever in one that could not be removed. Each of them says when it was received, so the
//! time up to which something is deleted tells them from what was sent again afterwards.

use std::collections::{BTreeSet, HashMap};

use pacs_core::uid::Uid;

use crate::database::{Database, Param, Transaction, params, placeholders};
use crate::{Error, Result};

/// What is deleted: everything below it goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A study, by its Study Instance UID.
    Study(Uid),
    /// A series, by its Series Instance UID.
    Series(Uid),
    /// An instance with its kept versions, by its SOP Instance UID.
    Instance(Uid),
}

/// The level that a UID was deleted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Study,
    Series,
    Instance,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Study, Self::Series, Self::Instance];

    /// The word in rows and acts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Series => "series",
            Self::Instance => "instance",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Subject {
    /// The subject that an act names; `None` for one of another kind.
    pub(crate) fn of_act(kind: &str, uid: &str) -> Option<Self> {
        let uid = Uid::parse(uid).ok()?;
        Some(match Kind::parse(kind)? {
            Kind::Study => Self::Study(uid),
            Kind::Series => Self::Series(uid),
            Kind::Instance => Self::Instance(uid),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Study(_) => Kind::Study,
            Self::Series(_) => Kind::Series,
            Self::Instance(_) => Kind::Instance,
        }
    }

    /// Its UID.
    pub fn uid(&self) -> &Uid {
        match self {
            Self::Study(uid) | Self::Series(uid) | Self::Instance(uid) => uid,
        }
    }
}

/// Notes that what was received of a UID up to a time is deleted.
pub(crate) async fn note(tx: &mut Transaction, kind: Kind, uid: &str, until_ms: i64) -> Result<()> {
    tx.execute(
        "insert into deletion (uid, kind, until_ms) values ($1, $2, $3) on conflict (uid, kind) do update
         set until_ms = case when deletion.until_ms < excluded.until_ms then excluded.until_ms else deletion.until_ms end",
        params![uid, kind.as_str(), until_ms],
    )
    .await
    .map(drop)
}

/// Up to when what was received under these UIDs is deleted; UIDs that were never deleted are left
/// out.
pub(crate) async fn of(
    tx: &mut Transaction,
    uids: &BTreeSet<String>,
) -> Result<HashMap<(Kind, String), i64>> {
    if uids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql =
        format!("select uid, kind, until_ms from deletion where uid in ({})", placeholders(1, uids.len()));
    let rows = tx.fetch(sqlx::AssertSqlSafe(sql), uids.iter().map(Param::from).collect()).await?;
    rows.iter()
        .map(|row| {
            let word: String = row.get("kind")?;
            let kind = Kind::parse(&word)
                .ok_or_else(|| Error::Corrupt(format!("a deletion of the unknown kind {word}")))?;
            Ok(((kind, row.get("uid")?), row.get("until_ms")?))
        })
        .collect()
}

/// Up to when anything that was received may be deleted.
pub(crate) async fn newest(database: &Database) -> Result<i64> {
    let sql = "select until_ms from deletion order by until_ms desc limit 1";
    match database.fetch_optional(sql, params![]).await? {
        Some(row) => row.at(0),
        None => Ok(i64::MIN),
    }
}
