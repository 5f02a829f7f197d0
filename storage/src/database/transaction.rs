//! A unit of change.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::SqlSafeStr;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Durability, Engine, Param, Row, Told, Writer, param};
use crate::{Error, Result};

/// A transaction that is rolled back unless [`Transaction::commit`] is called.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    told: Arc<Told>,
    /// Whether followers of the outbox are woken after the commit.
    has_events: bool,
    /// Whether workers are woken after the commit.
    has_jobs: bool,
    /// Whether the journal is woken after the commit.
    has_acts: bool,
}

#[derive(Debug)]
enum Inner {
    Sqlite(Held),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// SQLite's write connection for as long as a transaction runs on it; `None` once it has ended.
#[derive(Debug)]
struct Held(Option<OwnedMutexGuard<Writer>>);

impl Held {
    fn connection(&mut self) -> Result<&mut SqliteConnection> {
        match &mut self.0 {
            Some(writer) => Ok(&mut writer.connection),
            None => Err(Error::Unavailable("the transaction has ended".into())),
        }
    }
}

impl Drop for Held {
    /// Rolls back in the background and lets the connection go only then. Without a runtime the
    /// next transaction rolls back first, see [`Transaction::begin_sqlite`].
    fn drop(&mut self) {
        if let Some(mut writer) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { writer.roll_back().await });
        }
    }
}

// Whoever writes may go away at any await, such as a client that closes its connection: the state
// is noted before a statement is sent, so that what came of it unseen is looked after by the next.
impl Writer {
    /// Takes back what a transaction left open.
    async fn roll_back(&mut self) {
        if !self.in_transaction {
            return;
        }
        // Nothing to take back is no fault: the begin had failed, the commit had come about though
        // nobody waited for it, or SQLite had rolled back by itself, as it does on a full disk.
        if let Err(error) = sqlx::query("rollback").execute(&mut self.connection).await {
            tracing::debug!(%error, "there was nothing to roll back");
        }
        self.in_transaction = false;
    }

    /// Makes commits as durable as is asked for.
    async fn promise(&mut self, durability: Durability) -> Result<()> {
        if self.durability != Some(durability) {
            let pragma = match durability {
                Durability::Synced => "pragma synchronous = full",
                Durability::Batched => "pragma synchronous = normal",
            };
            self.durability = None;
            sqlx::query(pragma).execute(&mut self.connection).await?;
            self.durability = Some(durability);
        }
        Ok(())
    }
}

impl Transaction {
    pub(super) async fn begin_sqlite(
        writer: Arc<Mutex<Writer>>,
        durability: Durability,
        told: Arc<Told>,
    ) -> Result<Self> {
        let mut writer = writer.lock_owned().await;
        writer.roll_back().await;
        writer.promise(durability).await?;
        writer.in_transaction = true;
        sqlx::query("begin immediate").execute(&mut writer.connection).await?;
        Ok(Self::over(Inner::Sqlite(Held(Some(writer))), told))
    }

    pub(super) async fn begin_postgres(
        pool: &PgPool,
        durability: Durability,
        told: Arc<Told>,
    ) -> Result<Self> {
        let begin = match durability {
            Durability::Synced => "begin; set local synchronous_commit = on",
            Durability::Batched => "begin; set local synchronous_commit = off",
        };
        Ok(Self::over(Inner::Postgres(pool.begin_with(begin).await?), told))
    }

    fn over(inner: Inner, told: Arc<Told>) -> Self {
        Self { inner, told, has_events: false, has_jobs: false, has_acts: false }
    }

    /// Wakes the followers of the outbox once this transaction is committed.
    pub(crate) fn hint_events(&mut self) {
        self.has_events = true;
    }

    /// Wakes the workers once this transaction is committed.
    pub(crate) fn hint_jobs(&mut self) {
        self.has_jobs = true;
    }

    /// Wakes the journal once this transaction is committed.
    pub(crate) fn hint_acts(&mut self) {
        self.has_acts = true;
    }

    /// The engine below.
    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement; answers the number of rows it touched.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<u64> {
        Ok(match &mut self.inner {
            Inner::Sqlite(held) => {
                param::for_sqlite(sql, params).execute(held.connection()?).await?.rows_affected()
            }
            Inner::Postgres(tx) => param::for_postgres(sql, params).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// All rows of a statement; the caller bounds their number.
    pub async fn fetch(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Vec<Row>> {
        Ok(match &mut self.inner {
            Inner::Sqlite(held) => {
                let rows = param::for_sqlite(sql, params).fetch_all(held.connection()?).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Inner::Postgres(tx) => {
                let rows = param::for_postgres(sql, params).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a statement, if there is one.
    pub async fn fetch_optional(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Option<Row>> {
        Ok(match &mut self.inner {
            Inner::Sqlite(held) => {
                param::for_sqlite(sql, params).fetch_optional(held.connection()?).await?.map(Row::Sqlite)
            }
            Inner::Postgres(tx) => {
                param::for_postgres(sql, params).fetch_optional(&mut **tx).await?.map(Row::Postgres)
            }
        })
    }

    /// The first row of a statement that always has one, such as an insert that returns its id.
    pub async fn fetch_one(&mut self, sql: impl SqlSafeStr, params: Vec<Param>) -> Result<Row> {
        self.fetch_optional(sql, params).await?.ok_or(Error::NotFound)
    }

    /// Runs a text of several statements without parameters: a migration.
    pub(super) async fn run_script(&mut self, script: String) -> Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        match &mut self.inner {
            Inner::Sqlite(held) => {
                script.execute(held.connection()?).await?;
            }
            Inner::Postgres(tx) => {
                script.execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// Ends the transaction. After an error nothing of it has happened, except when the connection
    /// was lost while committing: then it may have.
    pub async fn commit(self) -> Result<()> {
        let counted = Counted(&self.told);
        match self.inner {
            Inner::Sqlite(mut held) => {
                sqlx::query("commit").execute(held.connection()?).await?;
                if let Some(mut writer) = held.0.take() {
                    writer.in_transaction = false;
                }
            }
            Inner::Postgres(tx) => tx.commit().await?,
        }
        drop(counted);
        let hints = [
            (self.has_events, &self.told.events),
            (self.has_jobs, &self.told.jobs),
            (self.has_acts, &self.told.acts),
        ];
        for (_, hint) in hints.iter().filter(|(is_due, _)| *is_due) {
            hint.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }
}

/// Counts a commit when it has come about, has failed, or nobody waits for it any more.
struct Counted<'a>(&'a Told);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.commits.fetch_add(1, Ordering::Release);
    }
}
