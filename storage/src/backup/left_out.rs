//! What a restore of the archive as it was has left out: acts and images. Their objects stay in the target, beside
//! those of what happened since, and no later restore may take them for newer than its snapshot.

use serde::{Deserialize, Serialize};

use crate::database::{Database, params};
use crate::error::{Error, Result};
use crate::journal;

/// Setting that holds them.
const SETTING: &str = "backup.left_out";

/// A time of which everything was left out that its snapshot does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// When the snapshot was taken that was gone back to.
    pub from_ms: i64,
    /// When that was.
    pub until_ms: i64,
}

impl LeftOut {
    /// Whether it means an object, which a snapshot does not name.
    pub(super) fn means(&self, key: &str) -> bool {
        written_ms(key).is_some_and(|written_ms| (self.from_ms..self.until_ms).contains(&written_ms))
    }
}

/// When an object was written, as its key tells: that of packs, of what routes handed over and of what is of no patient
/// begins with the time, that of the journal ends with it.
pub(super) fn written_ms(key: &str) -> Option<i64> {
    let (folder, name) = key.rsplit_once('/')?;
    if folder == journal::PREFIX {
        return journal::written_ms(key);
    }
    name.split_once('-')?.0.parse().ok()
}

/// What was left out of an archive.
pub(super) async fn of(database: &Database) -> Result<Vec<LeftOut>> {
    let found = database.fetch_optional("select value from setting where key = $1", params![SETTING]).await?;
    let Some(row) = found else { return Ok(Vec::new()) };
    serde_json::from_str(&row.get::<String>("value")?)
        .map_err(|error| Error::Corrupt(format!("what a restore has left out: {error}")))
}

/// Notes that more was left out, unless that was noted for the same snapshot.
pub(super) async fn note(database: &Database, more: LeftOut) -> Result<()> {
    let mut all = of(database).await?;
    all.retain(|known| known.from_ms != more.from_ms);
    all.push(more);
    let text =
        serde_json::to_string(&all).map_err(|error| Error::internal("note what was left out", error))?;
    let sql = "insert into setting (key, value) values ($1, $2)
         on conflict (key) do update set value = excluded.value";
    database.execute(sql, params![SETTING, text]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use pacs_core::uid::Uid;

    use super::*;
    use crate::packs;

    #[test]
    fn keys_tell_when_their_objects_were_written() {
        let uid = |text| Uid::parse(text).unwrap();
        let pack = packs::new_key(&uid("1.2"), &uid("1.2.3"), 1_790_000_000_000, "-0a0b0c0d");
        for key in [
            packs::companion_key(&pack).as_str(),
            pack.as_str(),
            "journal/00000000000000000007-001790000000000.jsonl",
            "journal/00000000000000000007-001790000000000-0a0b0c0d.jsonl",
            "handed/001790000000000-00000000000000000007.jsonl",
            "non-patient/1.2.3/001790000000000-0707.dcm",
        ] {
            assert_eq!(written_ms(key), Some(1_790_000_000_000), "{key}");
        }
        assert_eq!(written_ms("packs/1.2/1.2.3/other.tar"), None);
    }
}
