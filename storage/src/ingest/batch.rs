//! The rows of arriving instances: one transaction for all that wait.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::index::arrivals::{Arrivals, Decision, NewInstance};
use crate::index::place::Kept;
use crate::index::segments;
use crate::spool::Undecided;

/// The most instances one transaction takes.
const BATCH: usize = 256;

/// An instance that lies in the spool, synced, and waits for its rows.
pub(crate) struct Pending {
    /// What the rows will hold.
    pub instance: NewInstance,
    /// Keeps its segment meanwhile.
    pub undecided: Undecided,
}

struct Waiting {
    pending: Pending,
    reply: oneshot::Sender<Result<Decision>>,
}

/// The way to the rows. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RowQueue {
    sender: mpsc::Sender<Waiting>,
    closing: CancellationToken,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl RowQueue {
    /// Starts the task that writes the rows.
    pub fn start(database: Database, arrivals: Arc<Arrivals>, node: String) -> Self {
        let (sender, receiver) = mpsc::channel(BATCH);
        let closing = CancellationToken::new();
        let writer = Writer { database, arrivals, node, noted: HashSet::new() };
        let task = tokio::spawn(writer.run(receiver, closing.clone()));
        Self { sender, closing, task: Arc::new(Mutex::new(Some(task))) }
    }

    /// Waits for the rows of one instance.
    pub async fn decide(&self, pending: Pending) -> Result<Decision> {
        let (reply, decided) = oneshot::channel();
        let stopping = || Error::Unavailable("the archive is stopping".to_owned());
        self.sender.send(Waiting { pending, reply }).await.map_err(|_| stopping())?;
        decided.await.map_err(|_| stopping())?
    }

    /// Takes nothing more and returns once the rows of what was taken are written.
    pub async fn close(&self) {
        self.closing.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writer of rows did not end well");
        }
    }
}

struct Writer {
    database: Database,
    arrivals: Arc<Arrivals>,
    node: String,
    /// Segments whose row this process has made.
    noted: HashSet<i64>,
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>, closing: CancellationToken) {
        let mut waiting = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = closing.cancelled(), if !receiver.is_closed() => receiver.close(),
                taken = receiver.recv_many(&mut waiting, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                    self.write(std::mem::take(&mut waiting)).await;
                }
            }
        }
    }

    /// Writes the rows of a batch; when that fails, of each instance by itself, so that one cannot
    /// spoil the others.
    async fn write(&mut self, batch: Vec<Waiting>) {
        let (mut instances, mut others) = (Vec::new(), Vec::new());
        for Waiting { pending, reply } in batch {
            instances.push(pending.instance);
            others.push((pending.undecided, reply));
        }
        let outcomes = match self.rows(&instances).await {
            Ok(decisions) => decisions.into_iter().map(Ok).collect(),
            Err(error) if instances.len() == 1 => vec![Err(error)],
            // What is away is away for each of them, and trying would take as many waits.
            Err(Error::Unavailable(why)) => {
                instances.iter().map(|_| Err(Error::Unavailable(why.clone()))).collect()
            }
            Err(error) => {
                tracing::warn!(%error, instances = instances.len(), "a batch of rows failed; writing them singly");
                let mut outcomes = Vec::with_capacity(instances.len());
                for instance in &instances {
                    let decisions = self.rows(std::slice::from_ref(instance)).await;
                    outcomes
                        .push(decisions.and_then(|found| found.into_iter().next().ok_or(Error::NotFound)));
                }
                outcomes
            }
        };
        for ((instance, (undecided, reply)), outcome) in instances.iter().zip(others).zip(outcomes) {
            settle_bytes(instance, undecided, &outcome);
            // A door that has gone away, such as a closed association, waits for no answer.
            let _ = reply.send(outcome);
        }
    }

    async fn rows(&mut self, instances: &[NewInstance]) -> Result<Vec<Decision>> {
        match self.store(instances).await {
            // A database server that broke down has lost rows of segments as well: once more with
            // those made anew.
            Err(_) if !std::mem::take(&mut self.noted).is_empty() => self.store(instances).await,
            stored => stored,
        }
    }

    async fn store(&mut self, instances: &[NewInstance]) -> Result<Vec<Decision>> {
        let segments = instances.iter().filter_map(|instance| match instance.place.kept {
            Kept::Segment(id) => Some(id),
            Kept::Pack(_) => None,
        });
        let fresh: Vec<_> = segments.filter(|id| !self.noted.contains(&id.0)).collect();
        if !fresh.is_empty() {
            let now_ms = instances.iter().map(|instance| instance.received_ms).max().unwrap_or(0);
            segments::ensure(&self.database, &self.node, &fresh, now_ms).await?;
            self.noted.extend(fresh.iter().map(|id| id.0));
        }
        let decisions = self.arrivals.store_batch(instances).await?;
        if decisions.len() != instances.len() {
            return Err(Error::internal("write the rows of a batch", "decisions are missing"));
        }
        Ok(decisions)
    }
}

/// Decides about the bytes once the rows are decided.
///
/// After a failure the bytes stay: a commit whose answer was lost may have happened, and an entry
/// that comes back at the next start is an instance that its sender still holds and will send
/// again, a duplicate then. Only a certain duplicate gives its room back.
fn settle_bytes(instance: &NewInstance, undecided: Undecided, outcome: &Result<Decision>) {
    match outcome {
        Ok(Decision::Accepted { .. } | Decision::Conflict | Decision::Present) => drop(undecided),
        Ok(Decision::Duplicate) => {
            let (offset, length) = (instance.place.offset_bytes, instance.place.length_bytes);
            drop(spawn_blocking(move || undecided.discard(offset, length)));
        }
        Err(_) => undecided.pin(),
    }
}
