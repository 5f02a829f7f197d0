//! How many answers a query has, without making them.

use pacs_core::access::Scope;
use pacs_core::query::{Level, Query};

use super::plan::plan;
use super::walk;
use super::window::{self, Windows};
use crate::Result;
use crate::database::Database;

/// How many answers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// So many, or more where that is not all of them.
    pub answers: u64,
    /// Whether that is all of them.
    pub is_all: bool,
}

/// Counts the answers to a query below the patient level, whatever page of them it asks for. Counting stops at `most`:
/// beyond it nobody reads them all, and it would cost the more the larger the archive is. Where no index leads to them
/// it goes window by window.
pub async fn count(database: &Database, query: &Query, scope: &Scope, most: u32) -> Result<Count> {
    // Both engines keep the order of a cross join written out, or choose a better one knowingly.
    let (joins, below) = match query.level {
        Level::Patient | Level::Study => ("", &[][..]),
        Level::Series => (" cross join series s", &["s.study_id = t.id"][..]),
        Level::Instance => {
            (" cross join series s cross join instance i", &["s.study_id = t.id", "i.series_id = s.id"][..])
        }
    };
    let plan = plan(database, query, scope).await?;
    let mut windows = Windows::at(query.level);
    let most = i64::from(most);
    let (mut counted, mut after) = (0, None);
    loop {
        let turn = if plan.sifts() { window::turn().await } else { None };
        let end = if plan.sifts() { windows.end(database, &plan, after).await? } else { None };
        let left = most + 1 - counted;
        let (sql, conditions) = plan.counted(joins, (after, end), left, |conditions| {
            below.iter().for_each(|join| conditions.push((*join).to_owned()));
            for level in [Level::Series, Level::Instance] {
                walk::filter(conditions, query, level);
            }
        });
        let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        drop(turn);
        counted += row.map_or(Ok(0), |row| row.at::<i64>(0))?;
        if counted > most || end.is_none() {
            break;
        }
        after = end;
        windows.passed();
    }
    Ok(Count { answers: u64::try_from(counted.min(most)).unwrap_or(0), is_all: counted <= most })
}
