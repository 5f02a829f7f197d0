//! Objects that are of no patient (PS3.4 GG): hanging protocols, colour palettes, implant templates and the like.
//!
//! They are few, come seldom and lie in no study, so each is an object of its own in the object store, under its UID,
//! the time of its receipt, the hash of its data set and the mark of the archive that has written it
//! ([`lineage`](crate::backup::lineage)), and is kept once it is there and its row is committed: nothing of them waits
//! in the spool. A backup copies their folder, and an index that is made anew reads it.

mod again;
mod keep;
mod search;

use pacs_core::uid::Uid;

use crate::database::{Database, Row, params};
use crate::error::{Error, Result};
use crate::index::instances::{InstancePlace, uid};
use crate::index::place::{Kept, Place};
use crate::index::{InstanceId, NonPatientId, SeriesId, StudyId};

pub use keep::NonPatient;
pub use search::{find, places};

/// How many are read and put into the object store at a time: each upload takes some megabytes.
pub(crate) const AT_ONCE: usize = 2;

/// Their folder in the object store.
pub(crate) const PREFIX: &str = "non-patient";
const SUFFIX: &str = ".dcm";

/// What [`place`] reads.
const COLUMNS: &str = "id, uid, class, hash, transfer_syntax, length_bytes, head_bytes, received_ms";

/// What the key of an object tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    uid: Uid,
    received_ms: i64,
    /// Of the data set.
    hash: [u8; 32],
    /// The mark of the archive that has written it, behind a dash; empty for one that was never restored.
    tail: String,
}

impl Named {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            uid: uid(row, "uid")?,
            received_ms: row.get("received_ms")?,
            hash: hash(row)?,
            tail: row.get("tail")?,
        })
    }

    fn key(&self) -> String {
        let hash = blake3::Hash::from_bytes(self.hash).to_hex();
        format!("{PREFIX}/{}/{:015}-{hash}{}{SUFFIX}", self.uid, self.received_ms.max(0), self.tail)
    }

    /// `None` when the key is none of ours.
    fn parse(key: &str) -> Option<Self> {
        let (uid, rest) =
            key.strip_prefix(PREFIX)?.strip_prefix('/')?.strip_suffix(SUFFIX)?.split_once('/')?;
        let (received_ms, hash) = rest.split_once('-')?;
        let (hash, tail) = hash.split_at(hash.find('-').unwrap_or(hash.len()));
        Some(Self {
            uid: Uid::parse(uid).ok()?,
            received_ms: received_ms.parse().ok()?,
            hash: *blake3::Hash::from_hex(hash).ok()?.as_bytes(),
            tail: tail.to_owned(),
        })
    }
}

/// The key of the object of a row.
pub(crate) async fn key_of(database: &Database, id: NonPatientId) -> Result<String> {
    let sql = "select uid, hash, received_ms, tail from non_patient where id = $1";
    let row = database.fetch_optional(sql, params![id]).await?.ok_or(Error::NotFound)?;
    Ok(Named::of(&row)?.key())
}

/// Objects after a row, in the order of their rows.
pub(crate) async fn after(
    database: &Database,
    after: NonPatientId,
    limit: i64,
) -> Result<Vec<InstancePlace>> {
    let sql = format!("select {COLUMNS} from non_patient where id > $1 order by id limit $2");
    database.fetch(sqlx::AssertSqlSafe(sql), params![after, limit]).await?.iter().map(place).collect()
}

/// The object that was read back longest ago, before that time, and was there before another.
pub(crate) async fn to_verify(
    database: &Database,
    verified_before_ms: i64,
    received_before_ms: i64,
) -> Result<Option<InstancePlace>> {
    let sql = format!(
        "select {COLUMNS} from non_patient where verified_ms < $1 and received_ms < $2
         order by verified_ms, id limit 1"
    );
    let found =
        database.fetch_optional(sqlx::AssertSqlSafe(sql), params![verified_before_ms, received_before_ms]);
    found.await?.as_ref().map(place).transpose()
}

/// Notes when an object was read back.
pub(crate) async fn note_verified(database: &Database, id: NonPatientId, now_ms: i64) -> Result<()> {
    let sql = "update non_patient set verified_ms = $2 where id = $1";
    database.execute(sql, params![id, now_ms]).await.map(drop)
}

/// Where an object lies, as the place of an instance that is of no study.
fn place(row: &Row) -> Result<InstancePlace> {
    let id: i64 = row.get("id")?;
    let uid_of_it = uid(row, "uid")?;
    let bytes = |name: &str| -> Result<u64> {
        u64::try_from(row.get::<i64>(name)?).map_err(|_| Error::Corrupt(format!("{name} is negative")))
    };
    Ok(InstancePlace {
        id: InstanceId(id),
        series_id: SeriesId(0),
        study_id: StudyId(0),
        series_uid: uid_of_it.clone(),
        study_uid: uid_of_it.clone(),
        uid: uid_of_it,
        class: uid(row, "class")?,
        number: None,
        frames: None,
        transfer_syntax: uid(row, "transfer_syntax")?,
        place: Place {
            kept: Kept::Apart(NonPatientId(id)),
            offset_bytes: 0,
            length_bytes: bytes("length_bytes")?,
            head_bytes: bytes("head_bytes")?,
        },
        hash: hash(row)?,
        received_ms: row.get("received_ms")?,
        has_versions: false,
        series_revision: 0,
        overlay: None,
    })
}

fn hash(row: &Row) -> Result<[u8; 32]> {
    let bytes: Vec<u8> = row.get("hash")?;
    <[u8; 32]>::try_from(bytes).map_err(|_| Error::Corrupt("a hash has another length".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_what_it_is_of() {
        for tail in ["", "-0a0b0c0d"] {
            let (uid, tail) = (Uid::parse("1.2.3").unwrap(), tail.to_owned());
            let named = Named { uid, received_ms: 1_790_000_000_000, hash: [7; 32], tail };
            let key = named.key();
            assert!(key.starts_with("non-patient/1.2.3/001790000000000-0707"), "{key}");
            assert_eq!(Named::parse(&key.replace(".dcm", ".tar")), None);
            assert_eq!(Named::parse(&key), Some(named));
        }
        assert_eq!(Named::parse("packs/1.2.3/001790000000000-07.dcm"), None);
    }
}
