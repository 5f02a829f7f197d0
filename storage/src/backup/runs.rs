//! Which backups were tried, and the hold that a running one has on what it still has to copy.

use std::collections::HashSet;

use pacs_core::why::Why;

use crate::backup::{BackupReport, Trouble};
use crate::database::{Database, Durability, Row, params};
use crate::error::{Error, Result};

/// How long a run holds things without a word from it: then its process has ended.
pub const LEASE_MS: i64 = 120_000;

/// Row of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(i64);

/// What a run is copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The rows.
    Rows,
    /// Segments of the spool.
    Spool,
    /// Packs, companions and the journal.
    Objects,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Spool => "spool",
            Self::Objects => "objects",
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is under way.
    Running,
    /// It is good.
    Done,
    /// It is none.
    Failed,
}

impl State {
    /// The word in rows and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        [Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| Error::Corrupt(format!("a backup is in the unknown state {word}")))
    }
}

/// A backup that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where it goes to.
    pub target: String,
    /// Its name there.
    pub snapshot: String,
    /// How it stands.
    pub state: State,
    /// When it began: what it holds is of that time.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Objects that it names.
    pub objects: i64,
    /// Bytes of these.
    pub object_bytes: i64,
    /// Bytes that were not there before.
    pub copied_bytes: i64,
    /// What was not what was stored.
    pub damaged: i64,
    /// Why it failed.
    pub error: Option<Why>,
}

/// Begins a run; [`Error::Conflict`] while another one is under way.
pub(super) async fn begin(database: &Database, target: &str, snapshot: &str, now_ms: i64) -> Result<RunId> {
    let mut tx = database.begin(Durability::Synced).await?;
    let ended = Why::new(Trouble::ProcessEnded.as_str(), "its process ended in the middle");
    tx.execute(
        "update backup set state = 'failed', error = $2, ended_ms = lease_until_ms
         where state = 'running' and lease_until_ms <= $1",
        params![now_ms, ended.to_string()],
    )
    .await?;
    let begun = tx
        .fetch_optional(
            "insert into backup (target, snapshot, state, stage, lease_until_ms, started_ms, objects, object_bytes,
                 copied_bytes, damaged) values ($1, $2, 'running', $3, $4, $5, 0, 0, 0, 0)
             on conflict do nothing returning id",
            params![target, snapshot, Stage::Rows.as_str(), now_ms + LEASE_MS, now_ms],
        )
        .await?;
    let Some(row) = begun else {
        return Err(Error::Conflict("a backup is under way already".to_owned()));
    };
    let id = RunId(row.get("id")?);
    tx.commit().await?;
    Ok(id)
}

/// Keeps the hold. [`Error::Conflict`] when it was lost: then things may have gone meanwhile.
pub(super) async fn renew(database: &Database, run: RunId, now_ms: i64) -> Result<()> {
    let sql =
        "update backup set lease_until_ms = $3 where id = $1 and state = 'running' and lease_until_ms > $2";
    held(database.execute(sql, params![run.0, now_ms, now_ms + LEASE_MS]).await?)
}

/// Notes what is being copied from now on.
pub(super) async fn enter(database: &Database, run: RunId, stage: Stage, now_ms: i64) -> Result<()> {
    let sql = "update backup set stage = $2, lease_until_ms = $4
         where id = $1 and state = 'running' and lease_until_ms > $3";
    held(database.execute(sql, params![run.0, stage.as_str(), now_ms, now_ms + LEASE_MS]).await?)
}

fn held(touched: u64) -> Result<()> {
    if touched == 0 {
        return Err(Error::Conflict("the backup stood still for too long and has lost its hold".to_owned()));
    }
    Ok(())
}

/// Notes that a run is good.
pub(super) async fn done(database: &Database, run: RunId, report: &BackupReport, now_ms: i64) -> Result<()> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let sql =
        "update backup set state = 'done', ended_ms = $2, objects = $3, object_bytes = $4, copied_bytes = $5,
             damaged = $6 where id = $1";
    let values = params![
        run.0,
        now_ms,
        signed(report.objects),
        signed(report.object_bytes),
        signed(report.copied_bytes),
        signed(report.damaged)
    ];
    database.execute(sql, values).await.map(drop)
}

/// Notes that a run came to nothing.
pub(super) async fn failed(database: &Database, run: RunId, error: &Why, now_ms: i64) -> Result<()> {
    let sql =
        "update backup set state = 'failed', ended_ms = $2, error = $3 where id = $1 and state = 'running'";
    database.execute(sql, params![run.0, now_ms, error.to_string()]).await.map(drop)
}

/// Notes a run that came to nothing before it began.
pub(super) async fn not_begun(database: &Database, target: &str, error: &Why, now_ms: i64) -> Result<()> {
    let sql = "insert into backup (target, snapshot, state, stage, lease_until_ms, started_ms, ended_ms, objects,
             object_bytes, copied_bytes, damaged, error) values ($1, $2, 'failed', $3, $4, $4, $4, 0, 0, 0, 0, $5)";
    let snapshot = super::snapshot_name(now_ms);
    let values = params![target, snapshot, Stage::Rows.as_str(), now_ms, error.to_string()];
    database.execute(sql, values).await.map(drop)
}

/// Whether a run holds the segments of the spool.
pub(crate) async fn holds_segments(database: &Database, now_ms: i64) -> Result<bool> {
    let sql = "select 1 from backup where state = 'running' and lease_until_ms > $1 and stage <> 'objects'";
    Ok(database.fetch_optional(sql, params![now_ms]).await?.is_some())
}

/// Whether a run holds the objects.
pub(crate) async fn holds_objects(database: &Database, now_ms: i64) -> Result<bool> {
    let sql = "select 1 from backup where state = 'running' and lease_until_ms > $1";
    Ok(database.fetch_optional(sql, params![now_ms]).await?.is_some())
}

const COLUMNS: &str =
    "target, snapshot, state, started_ms, ended_ms, objects, object_bytes, copied_bytes, damaged, error";

/// The newest runs, newest first.
pub async fn newest(database: &Database, limit: u32) -> Result<Vec<Run>> {
    let sql = format!("select {COLUMNS} from backup order by id desc limit $1");
    database.fetch(sqlx::AssertSqlSafe(sql), params![limit]).await?.iter().map(read).collect()
}

/// The newest run that is good, of one target where it is said.
pub async fn newest_done(database: &Database, target: Option<&str>) -> Result<Option<Run>> {
    let of_target = if target.is_some() { "and target = $1" } else { "" };
    let sql = format!(
        "select {COLUMNS} from backup where state = 'done' {of_target} order by started_ms desc limit 1"
    );
    let values = target.map_or_else(Vec::new, |target| params![target]);
    database.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?.as_ref().map(read).transpose()
}

/// The names of all runs that these rows know of. They are not part of a backup: a restored archive knows none.
pub(super) async fn snapshots(database: &Database) -> Result<HashSet<String>> {
    let rows = database.fetch("select snapshot from backup", params![]).await?;
    rows.iter().map(|row| row.get("snapshot")).collect()
}

/// Whether these rows know of a run of that name.
pub(super) async fn is_known(database: &Database, snapshot: &str) -> Result<bool> {
    let sql = "select 1 from backup where snapshot = $1";
    Ok(database.fetch_optional(sql, params![snapshot]).await?.is_some())
}

fn read(row: &Row) -> Result<Run> {
    Ok(Run {
        target: row.get("target")?,
        snapshot: row.get("snapshot")?,
        state: State::parse(&row.get::<String>("state")?)?,
        started_ms: row.get("started_ms")?,
        ended_ms: row.get("ended_ms")?,
        objects: row.get("objects")?,
        object_bytes: row.get("object_bytes")?,
        copied_bytes: row.get("copied_bytes")?,
        damaged: row.get("damaged")?,
        error: row.get::<Option<String>>("error")?.as_deref().map(Why::read),
    })
}
