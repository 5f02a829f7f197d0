//! Walks that no index leads. A filter that few studies fulfil may have to look at all of them, which must hold up
//! nobody: it goes in windows along the order of studies, each of which is a short statement on either engine, so that
//! whoever has gone is noticed after one, and only a few such walks are under way at a time.

use pacs_core::query::Level;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::plan::{Cursor, Plan};
use crate::Result;
use crate::database::{Database, Row};

/// Walks that read at the same time. Connections that read are at least twice as many, and everybody else's searches
/// find one.
const AT_A_TIME: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);

/// Waits for a turn to read one window, first come first served.
pub(crate) async fn turn() -> Option<SemaphorePermit<'static>> {
    // Nobody closes it.
    TURNS.acquire().await.ok()
}

/// A page of `limit` studies behind a place in the order, which goes in windows where the plan sifts.
pub(crate) async fn page(
    database: &Database,
    plan: &Plan,
    select: &str,
    mut after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Row>> {
    if !plan.sifts() {
        let (sql, conditions) = plan.page(select, after, limit, 0);
        return database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await;
    }
    let mut windows = Windows::at(Level::Study);
    let mut page = Vec::new();
    let mut left = limit;
    loop {
        let _turn = turn().await;
        let end = windows.end(database, plan, after).await?;
        let (sql, conditions) = plan.window(select, after, end, left);
        let rows = database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        left -= i64::try_from(rows.len()).unwrap_or(left);
        page.extend(rows);
        if left <= 0 || end.is_none() {
            return Ok(page);
        }
        after = end;
        windows.passed();
    }
}

/// Studies of the first window, in which most filters find a page, and of the largest; each is twice the one before it.
const FIRST: i64 = 1000;
const MOST: i64 = 8000;
/// Of the largest when something below each study is looked at.
const MOST_WITH_SERIES: i64 = 2000;
const MOST_WITH_INSTANCES: i64 = 250;

/// The windows of a walk.
#[derive(Debug)]
pub(super) struct Windows {
    /// Studies of the next one.
    rows: i64,
    most: i64,
    /// The one at hand: its last study, or nothing when it goes to the end of all.
    open: Option<Option<Cursor>>,
}

impl Windows {
    /// Those of a walk for answers at a level.
    pub fn at(level: Level) -> Self {
        let most = match level {
            Level::Patient | Level::Study => MOST,
            Level::Series => MOST_WITH_SERIES,
            Level::Instance => MOST_WITH_INSTANCES,
        };
        Self { rows: FIRST.min(most), most, open: None }
    }

    /// Where the window at hand ends; `None` when that is the end of all studies. A new one begins behind a study.
    pub async fn end(
        &mut self,
        database: &Database,
        plan: &Plan,
        after: Option<Cursor>,
    ) -> Result<Option<Cursor>> {
        if let Some(end) = self.open {
            return Ok(end);
        }
        let (sql, conditions) = plan.ahead(after, self.rows);
        let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        let end = row.map(|row| Ok::<_, crate::Error>((row.at(0)?, row.at(1)?))).transpose()?;
        self.rows = self.rows.saturating_mul(2).min(self.most);
        self.open = Some(end);
        Ok(end)
    }

    /// All of the window at hand has been read.
    pub fn passed(&mut self) {
        self.open = None;
    }
}
