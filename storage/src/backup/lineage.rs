//! Which of the archives that share a name has written something.
//!
//! A restore makes another archive of the same name, and its original may live on: what somebody deletes to try a
//! restore must not be deleted by the next restore of the original. So each restore draws a mark, and what the restored
//! archive writes bears it: its manifests, and the keys of its objects. Those of no patient used to bear none: one
//! without a mark may be anybody's.

use pacs_core::clock;
use serde::{Deserialize, Serialize};

use super::left_out;
use super::manifest::Manifest;
use crate::database::{Database, Transaction, params};
use crate::error::{Error, Result};
use crate::non_patient;

/// Setting that holds it.
const SETTING: &str = "archive.lineage";

/// Where an archive comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
    /// The mark of what it writes; empty for an archive that was never restored.
    pub mark: String,
    /// The marks of those that it was restored from, the first of them first.
    pub parents: Vec<String>,
    /// When it was restored.
    pub since_ms: i64,
}

impl Lineage {
    /// That of an archive.
    pub(super) async fn of(database: &Database) -> Result<Self> {
        let found =
            database.fetch_optional("select value from setting where key = $1", params![SETTING]).await?;
        let Some(row) = found else { return Ok(Self::default()) };
        serde_json::from_str(&row.get::<String>("value")?)
            .map_err(|error| Error::Corrupt(format!("where the archive comes from: {error}")))
    }

    /// That of an archive which is restored from this one.
    pub(super) fn restored(&self, now_ms: i64) -> Self {
        let mut parents = self.parents.clone();
        parents.push(self.mark.clone());
        Self { mark: format!("{:08x}", rand::random::<u32>()), parents, since_ms: now_ms }
    }

    /// Makes it that of the rows.
    pub(super) async fn note(&self, tx: &mut Transaction) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::internal("note where the archive comes from", error))?;
        let sql = "insert into setting (key, value) values ($1, $2)
             on conflict (key) do update set value = excluded.value";
        tx.execute(sql, params![SETTING, text]).await.map(drop)
    }

    /// Whether the archive was never restored.
    pub(super) fn is_first(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this archive has written an object, as its key tells.
    pub(super) fn has_written(&self, key: &str) -> bool {
        let mark = mark_in(key);
        mark == self.mark || mark.is_empty() && key.starts_with(non_patient::PREFIX)
    }

    /// Whether it, or one that it was restored from, has written an object.
    pub(super) fn may_have(&self, key: &str) -> bool {
        self.has_written(key) || self.parents.iter().any(|parent| parent == mark_in(key))
    }

    /// The mark of another archive that has written an object, empty for the original. What those had that this one was
    /// restored from is its own.
    pub(super) fn of_another<'key>(&self, key: &'key str) -> Option<&'key str> {
        let mark = mark_in(key);
        let was_had = || left_out::written_ms(key).is_none_or(|written_ms| written_ms <= self.since_ms);
        let is_own = self.has_written(key) || self.parents.iter().any(|parent| parent == mark) && was_had();
        (!is_own).then_some(mark)
    }

    /// Whether a snapshot is of this archive, or of one that it was restored from, before that.
    pub(super) fn goes_on_from(&self, manifest: &Manifest) -> bool {
        let other = &manifest.lineage.mark;
        *other == self.mark || self.parents.contains(other) && manifest.taken_ms <= self.since_ms
    }
}

impl std::fmt::Display for Lineage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.is_first() {
            true => f.write_str("the original"),
            false => write!(f, "restored {}", clock::rfc3339(self.since_ms)),
        }
    }
}

/// What the names of objects end with that the archive writes: its mark, or nothing.
pub(crate) async fn tail(database: &Database) -> Result<String> {
    let Lineage { mark, .. } = Lineage::of(database).await?;
    Ok(if mark.is_empty() { mark } else { format!("-{mark}") })
}

/// The mark at the end of a name: two numbers and it, parted by dashes.
fn mark_in(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let stem = name.split('.').next().unwrap_or(name);
    stem.splitn(3, '-').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pacs_core::uid::Uid;

    use super::*;
    use crate::packs;

    #[test]
    fn keys_tell_who_has_written_their_objects() {
        let uid = |text| Uid::parse(text).unwrap();
        let first = Lineage::default();
        let trial = first.restored(7);
        for lineage in [&first, &trial] {
            let tail = if lineage.mark.is_empty() { String::new() } else { format!("-{}", lineage.mark) };
            let pack = packs::new_key(&uid("1.2"), &uid("1.2.3"), 1_790_000_000_000, &tail);
            let journal = format!("journal/00000000000000000007-001790000000000{tail}.jsonl");
            for key in [packs::companion_key(&pack), pack, journal] {
                assert_eq!(
                    (first.has_written(&key), trial.has_written(&key)),
                    (lineage == &first, lineage == &trial)
                );
            }
        }
        let apart = |tail: &str| format!("non-patient/1.2.3/001790000000000-0707{tail}.dcm");
        assert!(first.has_written(&apart("")) && trial.has_written(&apart("")), "it may be anybody's");
        let mark = format!("-{}", trial.mark);
        assert!(!first.has_written(&apart(&mark)) && trial.has_written(&apart(&mark)));
        assert_eq!(first.of_another(&apart(&mark)), Some(trial.mark.as_str()));
        let packed = |ms| packs::new_key(&uid("1.2"), &uid("1.2.3"), ms, "");
        assert_eq!(trial.of_another(&packed(7)), None, "it was restored with it");
        assert_eq!(trial.of_another(&packed(8)), Some(""));
        assert_eq!(trial.restored(9).parents, [String::new(), trial.mark]);
    }
}
