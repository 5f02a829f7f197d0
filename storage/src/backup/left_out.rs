//! Acts that a restore of the archive as it was has left out. Their journal stays in the target, beside that of what
//! happened since, and no later restore may play it.

use serde::{Deserialize, Serialize};

use crate::database::{Database, params};
use crate::error::{Error, Result};
use crate::journal;

/// Setting that holds them.
const SETTING: &str = "backup.left_out";

/// A time of which all acts were left out that its snapshot does not have.
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
        journal::written_ms(key).is_some_and(|written_ms| (self.from_ms..self.until_ms).contains(&written_ms))
    }
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
