//! One archive, one process: the lease in the database and the lock on the spool.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database::{Database, Durability, params};
use crate::error::{Error, Result};

/// How long a lease holds without being renewed.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);
const NAME: &str = "archive";
/// How long the lock is tried for, and how often.
const PATIENCE: Duration = Duration::from_secs(1);
const TRY_EVERY: Duration = Duration::from_millis(20);
/// File of the spool's folder that is locked.
const LOCK: &str = "lock";
/// Setting that holds the epoch of the last process that closed the archive in order.
const ENDED_WELL: &str = "archive.ended_well";

/// The lock on the spool's folder: two processes of one node never write one spool. The system
/// gives it back when the process ends, however it ends.
pub(crate) struct SpoolLock(#[allow(dead_code, reason = "held, not used")] File);

impl SpoolLock {
    /// Takes the lock, or says that another process has it. Blocks for a second, since commands that ask [`is_open`]
    /// have it for a moment.
    pub fn take(dir: &Path) -> Result<Self> {
        let context = "lock the spool";
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(LOCK))
            .map_err(|error| Error::io(context, error))?;
        let begun = std::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(TRY_EVERY),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Unavailable("another process has this spool open".into()));
                }
                Err(TryLockError::Error(error)) => return Err(Error::io(context, error)),
            }
        }
    }
}

/// Whether a process on this machine has the archive of this spool open. Blocks.
pub fn is_open(spool_dir: &Path) -> Result<bool> {
    let context = "look at the spool";
    let file = match File::open(spool_dir.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io(context, error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Error::io(context, error)),
    }
}

/// The node's lease on the archive, renewed in the background.
pub(crate) struct Fence {
    node: String,
    epoch: i64,
}

impl Fence {
    /// Takes the lease, from this node's last process if need be, and starts renewing it; `closing`
    /// is cancelled should another node have taken it. Also says whether the last process closed
    /// the archive in order.
    pub async fn raise(
        database: &Database,
        config: &Config,
        closing: CancellationToken,
    ) -> Result<(Self, bool)> {
        let now_ms = config.clock.now_ms();
        let mut tx = database.begin(Durability::Synced).await?;
        let taken = tx
            .fetch_optional(
                "insert into node_lease (name, node, epoch, expires_ms) values ($1, $2, 1, $3)
                 on conflict (name) do update set node = excluded.node, epoch = node_lease.epoch + 1,
                     expires_ms = excluded.expires_ms
                 where node_lease.node = excluded.node or node_lease.expires_ms < $4
                 returning epoch",
                params![NAME, config.node.as_str(), now_ms + LEASE.as_millis() as i64, now_ms],
            )
            .await?;
        let Some(row) = taken else {
            return Err(Error::Unavailable("another node holds this archive".into()));
        };
        let epoch: i64 = row.get("epoch")?;
        let ended =
            tx.fetch_optional("select value from setting where key = $1", params![ENDED_WELL]).await?;
        let ended_well = match ended {
            Some(row) => row.get::<String>("value")? == (epoch - 1).to_string(),
            None => false,
        };
        tx.commit().await?;
        let fence = Self { node: config.node.clone(), epoch };
        tokio::spawn(renew(database.clone(), config.clone(), epoch, closing));
        Ok((fence, ended_well))
    }

    /// Gives the lease back and notes that all is in order.
    pub async fn lower(&self, database: &Database) -> Result<()> {
        let mut tx = database.begin(Durability::Synced).await?;
        tx.execute(
            "insert into setting (key, value) values ($1, $2)
             on conflict (key) do update set value = excluded.value",
            params![ENDED_WELL, self.epoch.to_string()],
        )
        .await?;
        tx.execute(
            "update node_lease set expires_ms = 0 where name = $1 and node = $2 and epoch = $3",
            params![NAME, self.node.as_str(), self.epoch],
        )
        .await?;
        tx.commit().await
    }
}

async fn renew(database: Database, config: Config, epoch: i64, closing: CancellationToken) {
    let mut turn = tokio::time::interval_at(Instant::now() + RENEW_EVERY, RENEW_EVERY);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = turn.tick() => {}
        }
        let until_ms = config.clock.now_ms() + LEASE.as_millis() as i64;
        let sql = "update node_lease set expires_ms = $4 where name = $1 and node = $2 and epoch = $3";
        match database.execute(sql, params![NAME, config.node.as_str(), epoch, until_ms]).await {
            Ok(1) => {}
            Ok(_) => {
                tracing::error!("another node has taken this archive; nothing more is taken in or moved");
                closing.cancel();
                return;
            }
            Err(error) => tracing::warn!(%error, "the archive's lease could not be renewed"),
        }
    }
}
