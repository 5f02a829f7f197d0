//! Intakes as people see them, and what they do to them.

use super::{COLUMNS, Intake, IntakeId, Kind, State, read};
use crate::database::{Database, Durability, Row, params};
use crate::{Error, Result};

/// An intake on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is.
    pub intake: Intake,
    /// What is taken in.
    pub kind: Kind,
    /// Whether a server does it; else the command that began it, while it runs.
    pub by_server: bool,
    /// When it last got on.
    pub updated_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

impl Line {
    /// Whether it can be ended.
    pub fn may_end(&self) -> bool {
        self.intake.state == State::Running
    }

    /// Whether a server would go on with it.
    pub fn may_resume(&self) -> bool {
        self.intake.state == State::Stopped && self.by_server
    }
}

fn select() -> String {
    format!("select kind, by_server, updated_ms, ended_ms, {COLUMNS} from intake")
}

/// The newest intakes.
pub async fn newest(database: &Database, limit: u32) -> Result<Vec<Line>> {
    let sql = format!("{} order by id desc limit {limit}", select());
    database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?.iter().map(read_line).collect()
}

/// An intake as it is now. [`Error::NotFound`] when there is none.
pub async fn line(database: &Database, id: IntakeId) -> Result<Line> {
    let sql = format!("{} where id = $1", select());
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id.0]).await?;
    read_line(&row.ok_or(Error::NotFound)?)
}

/// Ends an intake where it is. [`Error::Conflict`] when it has ended already.
pub async fn end(database: &Database, id: IntakeId, now_ms: i64) -> Result<()> {
    let sql = "update intake set state = 'stopped', ended_ms = $2, updated_ms = $2
         where id = $1 and state = 'running'";
    match database.execute(sql, params![id.0, now_ms]).await? {
        0 => Err(Error::Conflict("it has ended already".into())),
        _ => Ok(()),
    }
}

/// Has a server go on with an intake that was ended, where it was. [`Error::Conflict`] when it is not one that a
/// server does, was not ended, or another from the same source is under way.
pub async fn resume(database: &Database, id: IntakeId, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    super::one_at_a_time(&mut tx, now_ms).await?;
    let resumed = tx
        .execute(
            "update intake set state = 'running', note = null, ended_ms = null, updated_ms = $2
             where id = $1 and state = 'stopped' and by_server = 1 and not exists (
                 select 1 from intake other where other.kind = intake.kind and other.source = intake.source
                 and other.state = 'running')",
            params![id.0, now_ms],
        )
        .await?;
    if resumed == 0 {
        return Err(Error::Conflict("it cannot be gone on with".into()));
    }
    tx.commit().await
}

fn read_line(row: &Row) -> Result<Line> {
    let word: String = row.get("kind")?;
    let kind = [Kind::Import, Kind::Migration].into_iter().find(|kind| kind.as_str() == word);
    Ok(Line {
        intake: read(row)?,
        kind: kind.ok_or_else(|| Error::Corrupt(format!("an intake of the unknown kind {word}")))?,
        by_server: row.flag("by_server")?,
        updated_ms: row.get("updated_ms")?,
        ended_ms: row.get("ended_ms")?,
    })
}
