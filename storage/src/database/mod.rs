//! Rows over SQLite or PostgreSQL, spoken to in one SQL text.
//!
//! Statements are written once with `$1` placeholders; the few differences between the engines are
//! in [`crate::dialect`] and in the migrations' type words. SQLite has one write connection
//! (`BEGIN IMMEDIATE`, WAL) and a pool of read-only readers, PostgreSQL a pool. How a transaction
//! is made durable is chosen for each one by [`Durability`].

mod failure;
mod look;
mod migrate;
mod param;
mod row;
mod snapshot;
mod transaction;
#[cfg(test)]
mod upgrading;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, SqlSafeStr};
use tokio::sync::{Mutex, watch};

pub use look::{Keeping, Schema, look};
pub(crate) use migrate::known_version;
pub use param::Param;
pub(crate) use param::params;
pub(crate) use param::{assignments, placeholders};
pub use row::{Column, Row};
pub(crate) use snapshot::Snapshot;
pub use transaction::Transaction;

use crate::{Error, Result};

/// How long a statement or a connection may be waited for before the database counts as away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Readers of SQLite for each processor, with their bounds. Each holds a page cache, which has room for the inner pages
/// of the tables of a million studies: with less, each row costs two reads more.
const SQLITE_READERS_PER_PROCESSOR: usize = 2;
const SQLITE_READERS: std::ops::RangeInclusive<usize> = 4..=8;
const READER_CACHE_KIB: u32 = 8 * 1024;
const WRITER_CACHE_KIB: u32 = 16 * 1024;
/// Rows that a reader is ahead of whoever reads them: more than most pages have, so that it need not wait.
const READER_ROWS: usize = 256;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// The WAL is brought home after so many pages (of 4 KiB), and cut to so many bytes.
const WAL_PAGES: u32 = 4000;
const WAL_LIMIT_BYTES: u32 = 64 << 20;

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The commit is on stable storage when it returns: acts of people, rows of packs.
    Synced,
    /// The commit may be lost with the power, though never torn: rows that the spool gives back.
    Batched,
}

/// The engine below, for the few statements that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    fn of_url(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            Ok(Self::Sqlite)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Ok(Self::Postgres)
        } else {
            Err(Error::Unavailable("the database URL begins with neither sqlite: nor postgres:".into()))
        }
    }
}

fn sqlite_readers() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (least, most) = (*SQLITE_READERS.start(), *SQLITE_READERS.end());
    u32::try_from((processors * SQLITE_READERS_PER_PROCESSOR).clamp(least, most)).unwrap_or(u32::MAX)
}

fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("sen")
        .statement_cache_capacity(256)
        // A row lock that nobody lets go of is an outage to report, not to sit out.
        .options([("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")]))
}

/// A handle on the database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    connections: Connections,
    told: Arc<Told>,
}

/// What this process tells itself of its commits.
#[derive(Debug)]
struct Told {
    /// How many there were, give or take those that nobody waited for.
    commits: AtomicU64,
    /// Changes with each that had events.
    events: watch::Sender<u64>,
    /// Changes with each that made work for somebody.
    jobs: watch::Sender<u64>,
    /// Changes with each that recorded an act.
    acts: watch::Sender<u64>,
}

#[derive(Clone, Debug)]
enum Connections {
    Sqlite { writer: Arc<Mutex<Writer>>, readers: SqlitePool },
    Postgres(PgPool),
}

/// The one write connection of SQLite.
#[derive(Debug)]
struct Writer {
    connection: SqliteConnection,
    /// What its `synchronous` pragma is set to; `None` while that is not known.
    durability: Option<Durability>,
    /// Whether a transaction may be open.
    in_transaction: bool,
}

impl Database {
    /// Opens `sqlite://path` (made when it is not there) or `postgres://…` and brings the schema up
    /// to date. Fails with [`Error::Unavailable`] when the database cannot be reached and with
    /// [`Error::Conflict`] when its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_at(url, migrate::known_version()).await
    }

    /// The same with a schema of that version, if the database has not a newer one: what rows of a backup fit into.
    pub(crate) async fn open_at(url: &str, version: i64) -> Result<Self> {
        let database = match Engine::of_url(url)? {
            Engine::Sqlite => Self::open_sqlite(url).await?,
            Engine::Postgres => Self::open_postgres(url).await?,
        };
        migrate::run(&database, version).await?;
        Ok(database)
    }

    /// Brings the schema up to date after [`Database::open_at`].
    pub(crate) async fn bring_up_to_date(&self) -> Result<()> {
        migrate::run(self, migrate::known_version()).await
    }

    /// The version of the schema.
    pub(crate) async fn schema_version(&self) -> Result<i64> {
        self.fetch_optional(migrate::NEWEST, params![]).await?.map_or(Ok(0), |row| row.at(0))
    }

    async fn open_sqlite(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .busy_timeout(PATIENCE)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .statement_cache_capacity(256);
        let writing = options
            .clone()
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", WAL_PAGES.to_string())
            .pragma("journal_size_limit", WAL_LIMIT_BYTES.to_string())
            .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
        let connection = SqliteConnection::connect_with(&writing).await?;
        let reading = options
            .read_only(true)
            .row_buffer_size(READER_ROWS)
            .pragma("cache_size", format!("-{READER_CACHE_KIB}"));
        let readers = SqlitePoolOptions::new()
            .max_connections(sqlite_readers())
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .connect_lazy_with(reading);
        let writer = Arc::new(Mutex::new(Writer {
            connection,
            durability: Some(Durability::Synced),
            in_transaction: false,
        }));
        Ok(Self::over(Connections::Sqlite { writer, readers }))
    }

    async fn open_postgres(url: &str) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(postgres_options(url)?)
            .await?;
        Ok(Self::over(Connections::Postgres(pool)))
    }

    fn over(connections: Connections) -> Self {
        let told = Told {
            commits: AtomicU64::new(0),
            events: watch::Sender::new(0),
            jobs: watch::Sender::new(0),
            acts: watch::Sender::new(0),
        };
        Self { connections, told: Arc::new(told) }
    }

    /// Changes whenever this process has committed events; others have to be looked for now and then.
    pub fn event_hints(&self) -> watch::Receiver<u64> {
        self.told.events.subscribe()
    }

    /// Changes whenever this process has committed jobs; others have to be looked for now and then.
    pub fn job_hints(&self) -> watch::Receiver<u64> {
        self.told.jobs.subscribe()
    }

    /// Changes whenever this process has committed acts.
    pub(crate) fn act_hints(&self) -> watch::Receiver<u64> {
        self.told.acts.subscribe()
    }

    /// A number that is another one after each commit of this process: what was read before it may have changed.
    pub(crate) fn commits(&self) -> u64 {
        self.told.commits.load(Ordering::Acquire)
    }

    /// The engine below.
    pub fn engine(&self) -> Engine {
        match &self.connections {
            Connections::Sqlite { .. } => Engine::Sqlite,
            Connections::Postgres(_) => Engine::Postgres,
        }
    }

    /// Begins a transaction. On SQLite it waits its turn for the one write connection, first come
    /// first served. Dropped without [`Transaction::commit`], it is rolled back.
    pub async fn begin(&self, durability: Durability) -> Result<Transaction> {
        let told = Arc::clone(&self.told);
        match &self.connections {
            Connections::Sqlite { writer, .. } => {
                Transaction::begin_sqlite(Arc::clone(writer), durability, told).await
            }
            Connections::Postgres(pool) => Transaction::begin_postgres(pool, durability, told).await,
        }
    }

    /// All rows of a query, read beside whatever is being written. The caller bounds their number
    /// by `limit`.
    pub async fn fetch(&self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Vec<Row>> {
        match &self.connections {
            Connections::Sqlite { readers, .. } => {
                let rows = param::for_sqlite(sql, params).fetch_all(readers).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Connections::Postgres(pool) => {
                let rows = param::for_postgres(sql, params).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional(&self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Option<Row>> {
        Ok(match &self.connections {
            Connections::Sqlite { readers, .. } => {
                param::for_sqlite(sql, params).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Connections::Postgres(pool) => {
                param::for_postgres(sql, params).fetch_optional(pool).await?.map(Row::Postgres)
            }
        })
    }

    /// One statement in a synced transaction of its own; answers the number of rows it touched.
    pub async fn execute(&self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<u64> {
        let mut tx = self.begin(Durability::Synced).await?;
        let touched = tx.execute(sql, params).await?;
        tx.commit().await?;
        Ok(touched)
    }

    /// Whether the database answers, for readiness.
    pub async fn ping(&self) -> Result<()> {
        self.fetch_optional("select 1", params![]).await.map(drop)
    }

    /// Lets running statements end and closes the connections.
    pub async fn close(&self) {
        match &self.connections {
            Connections::Sqlite { writer, readers } => {
                readers.close().await;
                let mut writer = writer.lock().await;
                // Brings the WAL home, so that a copy of the file alone is whole.
                if let Err(error) =
                    sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut writer.connection).await
                {
                    tracing::warn!(%error, "the write-ahead log was left for the next start");
                }
            }
            Connections::Postgres(pool) => pool.close().await,
        }
    }
}
