//! Looking at a database without changing anything in it, for an administrator who wants to know.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::{Engine, PATIENCE, migrate, postgres_options};
use crate::{Error, Result};

/// What a database has of the schema; versions count up from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Nothing, or there is no database file: the first start makes it.
    Missing,
    /// An older one than this program's: the next start brings it up to date.
    Older {
        /// Its version.
        version: i64,
        /// The program's.
        known: i64,
    },
    /// This program's own.
    Current {
        /// Its version.
        version: i64,
        /// Devices in it: that rows can be read.
        devices: i64,
        /// How what is kept is kept.
        keeping: Keeping,
    },
    /// One that only a newer program knows.
    Newer {
        /// Its version.
        version: i64,
        /// The program's.
        known: i64,
    },
}

/// What the rows say of how things are kept. Times are milliseconds since 1970, 0 for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// When the newest good backup was taken.
    pub backup_ms: i64,
    /// What in it was not what was stored.
    pub backup_damaged: i64,
    /// When a backup was last tried that came to nothing.
    pub failed_backup_ms: i64,
    /// Instances and kept versions that are known to be damaged.
    pub damaged: i64,
    /// Packs that there are.
    pub packs: i64,
    /// When the pack was read back that was not for longest.
    pub verified_ms: i64,
}

/// Reads which schema the database of a URL has, beside whoever uses it. Nothing is written, and no
/// file is made. Backups are those to `target`, where it is said. Fails as
/// [`Database::open`](super::Database::open) does where it cannot be reached.
pub async fn look(url: &str, target: Option<&str>) -> Result<(Engine, Schema)> {
    let engine = Engine::of_url(url)?;
    let looking = match engine {
        Engine::Sqlite => sqlite(url).await?,
        Engine::Postgres => Some(postgres(url).await?),
    };
    let schema = match looking {
        Some(mut looking) => {
            let schema = looking.schema(target).await;
            looking.close().await;
            schema?
        }
        None => Schema::Missing,
    };
    Ok((engine, schema))
}

/// A connection that only reads.
enum Looking {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Looking {
    async fn schema(&mut self, target: Option<&str>) -> Result<Schema> {
        let is_there = match self {
            Self::Sqlite(_) => {
                "select count(*) from sqlite_master where type = 'table' and name = 'migration'"
            }
            Self::Postgres(_) => "select count(to_regclass('migration'))",
        };
        if self.number(is_there).await? == 0 {
            return Ok(Schema::Missing);
        }
        let version = self.number(migrate::NEWEST).await?;
        let known = migrate::known_version();
        Ok(match version {
            0 => Schema::Missing,
            version if version < known => Schema::Older { version, known },
            version if version > known => Schema::Newer { version, known },
            version => Schema::Current {
                version,
                devices: self.number("select count(*) from device").await?,
                keeping: self.keeping(target).await?,
            },
        })
    }

    async fn keeping(&mut self, target: Option<&str>) -> Result<Keeping> {
        // Any target where none is said.
        let target = target.unwrap_or_default();
        Ok(Keeping {
            backup_ms: self
                .number_of(
                    "select coalesce(max(started_ms), 0) from backup
                     where state = 'done' and (target = $1 or $1 = '')",
                    target,
                )
                .await?,
            backup_damaged: self
                .number_of(
                    "select cast(coalesce(sum(damaged), 0) as bigint) from backup where state = 'done'
                     and (target = $1 or $1 = '') and started_ms = (select max(started_ms) from backup
                         where state = 'done' and (target = $1 or $1 = ''))",
                    target,
                )
                .await?,
            failed_backup_ms: self
                .number_of(
                    "select coalesce(max(started_ms), 0) from backup
                     where state = 'failed' and (target = $1 or $1 = '')",
                    target,
                )
                .await?,
            damaged: self.number("select count(*) from damage").await?,
            packs: self
                .number("select count(*) from pack where companion_bytes > 0 and deleted_ms is null")
                .await?,
            verified_ms: self
                .number(
                    "select coalesce(min(verified_ms), 0) from pack
                     where companion_bytes > 0 and deleted_ms is null",
                )
                .await?,
        })
    }

    async fn number(&mut self, sql: &'static str) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
        })
    }

    async fn number_of(&mut self, sql: &'static str, target: &str) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).bind(target).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).bind(target).fetch_one(connection).await?,
        })
    }

    async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a connection did not end in order");
        }
    }
}

/// `None` when there is no file. Without a write-ahead log nobody writes just now, and the file is
/// read as one that does not change: otherwise even a reader makes the files of the log, which may
/// then belong to somebody else than the server's user.
async fn sqlite(url: &str) -> Result<Option<Looking>> {
    let options = SqliteConnectOptions::from_str(url)?;
    let file = options.get_filename().to_path_buf();
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    if !exists(file).await? {
        return Ok(None);
    }
    let is_at_rest = !exists(log.into()).await?;
    let options = options.read_only(true).immutable(is_at_rest).busy_timeout(PATIENCE);
    Ok(Some(Looking::Sqlite(SqliteConnection::connect_with(&options).await?)))
}

async fn exists(path: PathBuf) -> Result<bool> {
    tokio::fs::try_exists(path).await.map_err(|error| Error::io("look for the database", error))
}

async fn postgres(url: &str) -> Result<Looking> {
    let options = postgres_options(url)?;
    let connecting = timeout(PATIENCE, PgConnection::connect_with(&options));
    let connection =
        connecting.await.map_err(|_| Error::Unavailable("the database does not answer".into()))??;
    Ok(Looking::Postgres(connection))
}
