//! The audit log: append-only, each row sealing the one before, written by one batching writer.
//!
//! A view is recorded once per actor, study and ten minutes. Rows hold ids, never patient data.

use std::collections::HashMap;

use pacs_core::audit::{AuditAct, AuditRecord, Outcome};
use pacs_core::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use crate::database::{Database, Durability, Row, Transaction, params};
use crate::dialect::{self, Log};
use crate::{Error, Result};

/// Records that may wait for the writer; beyond it callers wait with them.
const WAITING: usize = 4096;
/// Records that one transaction carries.
const BATCH: usize = 256;
const VIEW_ONCE_MS: i64 = 600_000;
/// Views remembered; beyond it a view may be recorded once more.
const VIEWS: usize = 50_000;

/// The way into the log; clones lead to the same writer. The writer ends, all records written, when
/// the last clone is gone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    sender: mpsc::Sender<Message>,
    clock: Clock,
}

#[derive(Debug)]
enum Message {
    Record(AuditRecord, i64),
    Flush(oneshot::Sender<()>),
}

impl AuditLog {
    /// Starts the writer. Commands that run beside it [`append`] by themselves.
    pub fn start(database: Database, clock: Clock) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(database, receiver));
        Self { sender, clock }
    }

    /// Hands a record to the writer; waits only when the writer is far behind.
    pub async fn record(&self, record: AuditRecord) {
        let message = Message::Record(record, self.clock.now_ms());
        if self.sender.send(message).await.is_err() {
            tracing::error!("the audit log's writer has ended: a record is lost");
        }
    }

    /// Waits until everything handed over so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            // The writer answers or has ended; in both cases there is nothing more to wait for.
            written.await.ok();
        }
    }
}

/// The writer: takes what waits, leaves out repeated views, writes it in one transaction.
async fn write(database: Database, mut receiver: mpsc::Receiver<Message>) {
    let mut views: HashMap<(String, String), i64> = HashMap::new();
    let mut waiting = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut waiting, BATCH).await > 0 {
        let mut records = Vec::new();
        let mut flushes = Vec::new();
        for message in waiting.drain(..) {
            match message {
                Message::Record(record, at_ms) if !seen_lately(&mut views, &record, at_ms) => {
                    records.push((record, at_ms))
                }
                Message::Record(..) => {}
                Message::Flush(done) => flushes.push(done),
            }
        }
        if !records.is_empty() {
            append_until_written(&database, &records).await;
        }
        for done in flushes {
            // Whoever no longer waits needs no answer.
            done.send(()).ok();
        }
    }
}

/// An audit record is not given up because the database is away for a while.
async fn append_until_written(database: &Database, records: &[(AuditRecord, i64)]) {
    let mut wait = std::time::Duration::from_millis(100);
    loop {
        match append(database, records).await {
            Ok(()) => return,
            Err(error @ (Error::Unavailable(_) | Error::Conflict(_))) => {
                tracing::warn!(%error, "audit records wait for the database")
            }
            Err(error) => {
                tracing::error!(%error, count = records.len(), "audit records are lost");
                return;
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(std::time::Duration::from_secs(5));
    }
}

fn seen_lately(views: &mut HashMap<(String, String), i64>, record: &AuditRecord, at_ms: i64) -> bool {
    if record.act != AuditAct::View || record.outcome != Outcome::Success {
        return false;
    }
    if views.len() >= VIEWS {
        views.retain(|_, last_ms| at_ms - *last_ms < VIEW_ONCE_MS);
        if views.len() >= VIEWS {
            views.clear();
        }
    }
    let last = views.entry((record.actor.clone(), record.subject.clone())).or_insert(i64::MIN);
    if at_ms.saturating_sub(*last) < VIEW_ONCE_MS {
        return true;
    }
    *last = at_ms;
    false
}

/// Writes records with their times at once: for a command that ends before a writer would.
pub async fn append(database: &Database, records: &[(AuditRecord, i64)]) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    dialect::serialize_log(&mut tx, Log::Audit).await?;
    let mut seal = last_seal(&mut tx).await?;
    for (record, at_ms) in records {
        let line = Line {
            at_ms: *at_ms,
            // A column cannot hold NUL, and the seal is over what the column holds.
            actor: record.actor.replace('\0', ""),
            origin: record.peer.clone().unwrap_or_default(),
            act: word(&record.act)?,
            subject: record.subject.replace('\0', ""),
            outcome: word(&record.outcome)?,
            detail: record.detail.as_ref().map(|detail| detail.replace('\0', "")),
        };
        seal = line.seal(&seal);
        tx.execute(
            "insert into audit (at_ms, actor, origin, act, subject, outcome, detail, hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                line.at_ms,
                line.actor,
                line.origin,
                line.act,
                line.subject,
                line.outcome,
                line.detail,
                &seal
            ],
        )
        .await?;
    }
    tx.commit().await
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// Address of the peer; empty when there was none.
    pub origin: String,
    /// What was done, as a word of [`AuditAct`].
    pub act: String,
    /// On what.
    pub subject: String,
    /// How it went, as a word of [`Outcome`].
    pub outcome: String,
    /// A reason or a short word of the program.
    pub detail: Option<String>,
}

impl Line {
    /// The seal after this line: over the seal before it and every field with its length.
    fn seal(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(before).update(&self.at_ms.to_le_bytes());
        let detail = self.detail.as_deref().unwrap_or_default();
        for field in [&self.actor, &self.origin, &self.act, &self.subject, &self.outcome, detail] {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

const COLUMNS: &str = "id, at_ms, actor, origin, act, subject, outcome, detail, hash";

/// The newest lines before a row (`i64::MAX` for the newest of all).
pub async fn before(database: &Database, before: i64, limit: u32) -> Result<Vec<(i64, Line)>> {
    let sql = format!("select {COLUMNS} from audit where id < $1 order by id desc limit $2");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, read(row)?))).collect()
}

/// Checks the whole chain; the row at which it is broken, if it is.
pub async fn verify(database: &Database) -> Result<Option<i64>> {
    const PAGE: i64 = 1000;
    let (mut after, mut seal) = (0_i64, [0_u8; 32]);
    loop {
        let sql = format!("select {COLUMNS} from audit where id > $1 order by id limit $2");
        let rows = database.fetch(sqlx::AssertSqlSafe(sql), params![after, PAGE]).await?;
        for row in &rows {
            after = row.get("id")?;
            seal = read(row)?.seal(&seal);
            if row.get::<Vec<u8>>("hash")? != seal {
                return Ok(Some(after));
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
    }
}

async fn last_seal(tx: &mut Transaction) -> Result<[u8; 32]> {
    let row = tx.fetch_optional("select hash from audit order by id desc limit 1", params![]).await?;
    let Some(row) = row else { return Ok([0; 32]) };
    row.get::<Vec<u8>>("hash")?
        .try_into()
        .map_err(|_| Error::Corrupt("an audit row's seal is not 32 bytes".into()))
}

/// The word that a value has in JSON.
fn word(value: &impl serde::Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(_) => Err(Error::Corrupt("an audit word is no text".into())),
        Err(error) => Err(Error::internal("an audit word", error)),
    }
}

fn read(row: &Row) -> Result<Line> {
    Ok(Line {
        at_ms: row.get("at_ms")?,
        actor: row.get("actor")?,
        origin: row.get("origin")?,
        act: row.get("act")?,
        subject: row.get::<Option<String>>("subject")?.unwrap_or_default(),
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
    })
}
