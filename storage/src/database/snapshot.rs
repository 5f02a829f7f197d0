//! All rows as they are at one moment, read beside whoever writes.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use sqlx::sqlite::SqliteConnection;
use sqlx::{PgConnection, SqlSafeStr};

use super::{Connections, Database, Engine, Param, Row, param};
use crate::Result;

/// A connection of its own whose reads see the moment it was made at, whatever is committed meanwhile. It holds
/// nobody up; but the log of SQLite is not cut, and PostgreSQL does not tidy up, for as long as it lives.
pub(crate) struct Snapshot(Inner);

enum Inner {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    /// Begins a snapshot: now.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot(match &self.connections {
            Connections::Sqlite { readers, .. } => {
                let mut connection = readers.acquire().await?.detach();
                sqlx::query("begin").execute(&mut connection).await?;
                // Its moment is that of the first read.
                sqlx::query("select count(*) from sqlite_master").execute(&mut connection).await?;
                Inner::Sqlite(connection)
            }
            Connections::Postgres(pool) => {
                let mut connection = pool.acquire().await?.detach();
                let begin = "begin isolation level repeatable read read only;
                     set local idle_in_transaction_session_timeout = 0; select 1";
                sqlx::raw_sql(begin).execute(&mut connection).await?;
                Inner::Postgres(connection)
            }
        }))
    }
}

impl Snapshot {
    /// The engine below.
    pub fn engine(&self) -> Engine {
        match &self.0 {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// The rows of a query, few at a time in memory.
    pub fn stream(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> BoxStream<'_, Result<Row>> {
        match &mut self.0 {
            Inner::Sqlite(connection) => {
                let rows = param::for_sqlite(sql, params).fetch(connection);
                rows.map(|row| Ok(Row::Sqlite(row?))).boxed()
            }
            Inner::Postgres(connection) => {
                let rows = param::for_postgres(sql, params).fetch(connection);
                rows.map(|row| Ok(Row::Postgres(row?))).boxed()
            }
        }
    }

    /// All rows of a query; the caller bounds their number.
    pub async fn fetch(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Vec<Row>> {
        let mut rows = self.stream(sql, params);
        let mut all = Vec::new();
        while let Some(row) = rows.next().await {
            all.push(row?);
        }
        Ok(all)
    }
}
