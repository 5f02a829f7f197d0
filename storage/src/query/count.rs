//! How many answers a query has, without making them.

use pacs_core::access::Scope;
use pacs_core::query::{Level, Query};

use super::plan::plan;
use super::walk;
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
/// beyond it nobody reads them all, and it would cost the more the larger the archive is.
pub async fn count(database: &Database, query: &Query, scope: &Scope, most: u32) -> Result<Count> {
    let joins = match query.level {
        Level::Patient | Level::Study => "",
        Level::Series => " join series s on s.study_id = t.id",
        Level::Instance => " join series s on s.study_id = t.id join instance i on i.series_id = s.id",
    };
    let plan = plan(database, query, scope).await?;
    let (sql, conditions) = plan.counted(joins, i64::from(most) + 1, |conditions| {
        for level in [Level::Series, Level::Instance] {
            walk::filter(conditions, query, level);
        }
    });
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), conditions.params).await?;
    let counted = row.map_or(Ok(0), |row| row.at::<i64>(0))?;
    let answers = u64::try_from(counted).unwrap_or(0);
    Ok(Count { answers: answers.min(most.into()), is_all: answers <= most.into() })
}
