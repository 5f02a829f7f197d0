//! Routes: rules by which images that have come go to other devices by themselves.
//!
//! Entries of the configuration file win and are read-only in the pages; the others are rows, live at once.

mod follow;
pub(crate) mod handed;

use pacs_core::routing::Conditions;
use pacs_core::uid::AeTitle;

use crate::database::{Database, Durability, Row, Transaction, params};
use crate::devices::Source;
use crate::jobs::lanes::Priority;
use crate::{Error, Result};

pub use follow::follow;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What people call it, the key.
    pub name: String,
    /// Where images go.
    pub device: AeTitle,
    /// Which.
    pub conditions: Conditions,
    /// How urgently.
    pub priority: Priority,
    /// Whether what it has sent goes again when people correct it.
    pub after_corrections: bool,
    /// Whether it is followed.
    pub is_enabled: bool,
    /// Where the entry comes from.
    pub source: Source,
}

const COLUMNS: &str = "name, device, conditions, priority, after_corrections, enabled, source";

/// Every route, by name.
pub async fn list(database: &Database) -> Result<Vec<Route>> {
    let sql = format!("select {COLUMNS} from route order by name");
    database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?.iter().map(read).collect()
}

/// The route of that name.
pub async fn by_name(database: &Database, name: &str) -> Result<Option<Route>> {
    let sql = format!("select {COLUMNS} from route where name = $1");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params![name]).await?.as_ref().map(read).transpose()
}

/// Adds a route. [`Error::Conflict`] when there is one of that name.
pub async fn add(database: &Database, route: &Route) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    if insert(&mut tx, route, Source::Rows, "do nothing").await? == 0 {
        return Err(Error::Conflict(format!("there is a route {} already", route.name)));
    }
    tx.commit().await
}

/// Has a route followed, or not. [`Error::Conflict`] when it is set in the file, [`Error::NotFound`] when there is
/// none.
pub async fn enable(database: &Database, name: &str, is_enabled: bool) -> Result<()> {
    let sql = "update route set enabled = $2 where name = $1 and source = 'rows'";
    let changed = database.execute(sql, params![name, is_enabled]).await?;
    changed_or_why(database, name, changed).await
}

/// Adds or changes a route. [`Error::Conflict`] when the file has the name.
pub async fn upsert(database: &Database, route: &Route) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    if write(&mut tx, route, Source::Rows).await? == 0 {
        return Err(Error::Conflict(format!("{} is set in the configuration file", route.name)));
    }
    tx.commit().await
}

/// Removes a route. [`Error::Conflict`] when it is set in the file, [`Error::NotFound`] when there is none.
pub async fn remove(database: &Database, name: &str) -> Result<()> {
    let removed =
        database.execute("delete from route where name = $1 and source = 'rows'", params![name]).await?;
    changed_or_why(database, name, removed).await
}

async fn changed_or_why(database: &Database, name: &str, rows: u64) -> Result<()> {
    match (rows, by_name(database, name).await?) {
        (0, Some(_)) => Err(Error::Conflict(format!("{name} is set in the configuration file"))),
        (0, None) => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Makes the entries of the file what they are now; a row of the same name gives way.
pub async fn from_file(database: &Database, routes: &[Route]) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    tx.execute("delete from route where source = 'file'", params![]).await?;
    for route in routes {
        write(&mut tx, route, Source::File).await?;
    }
    tx.commit().await
}

async fn write(tx: &mut Transaction, route: &Route, source: Source) -> Result<u64> {
    let change = "do update set device = excluded.device, conditions = excluded.conditions,
             priority = excluded.priority, after_corrections = excluded.after_corrections, enabled = excluded.enabled,
             source = excluded.source
         where route.source = 'rows' or excluded.source = 'file'";
    insert(tx, route, source, change).await
}

async fn insert(tx: &mut Transaction, route: &Route, source: Source, on_conflict: &str) -> Result<u64> {
    let conditions = serde_json::to_string(&route.conditions);
    let sql = format!(
        "insert into route (name, device, conditions, priority, after_corrections, enabled, source)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) {on_conflict}"
    );
    tx.execute(
        sqlx::AssertSqlSafe(sql),
        params![
            &route.name,
            route.device.as_str(),
            conditions.map_err(|error| Error::internal("write a route", error))?,
            route.priority.number(),
            route.after_corrections,
            route.is_enabled,
            source.as_str()
        ],
    )
    .await
}

fn read(row: &Row) -> Result<Route> {
    let name: String = row.get("name")?;
    let device: String = row.get("device")?;
    let damaged = |why: String| Error::Corrupt(format!("the route {name}: {why}"));
    Ok(Route {
        device: AeTitle::parse(&device).map_err(|why| damaged(why.to_string()))?,
        conditions: serde_json::from_str(&row.get::<String>("conditions")?)
            .map_err(|why| damaged(why.to_string()))?,
        priority: Priority::of_number(row.get("priority")?),
        after_corrections: row.flag("after_corrections")?,
        is_enabled: row.flag("enabled")?,
        source: Source::of_row(row)?,
        name,
    })
}
