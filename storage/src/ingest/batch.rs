//! The rows of arriving instances: one transaction for all that wait.
//!
//! An instance may come here while its bytes are still being synced: its rows are written
//! meanwhile, and committed only after the sync. So a store waits for the slower of the two and
//! not for their sum, and still no committed row points at bytes that a loss of power could take.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::index::arrivals::{Arrivals, Decision, NewInstance, Version};
use crate::index::place::Kept;
use crate::index::segments;
use crate::spool::Undecided;

use super::syncs::{Synced, Syncs};

/// The most instances one transaction takes.
const BATCH: usize = 256;

/// An instance that lies in the spool and waits for its rows.
pub(crate) struct Pending {
    /// What the rows will hold.
    pub instance: NewInstance,
    /// Comes when its bytes are synced; keeps their segment from then on.
    pub synced: Synced,
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

    /// Asks for the rows of one instance; what comes of it is received later. Blocks while the
    /// queue is full.
    pub fn ask(&self, pending: Pending) -> Result<oneshot::Receiver<Result<Decision>>> {
        let (reply, decided) = oneshot::channel();
        self.sender.blocking_send(Waiting { pending, reply }).map_err(|_| stopping())?;
        Ok(decided)
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
            while waiting.len() < BATCH
                && let Ok(another) = receiver.try_recv()
            {
                waiting.push(another);
            }
            if !waiting.is_empty() {
                self.write(ripe(&mut waiting)).await;
                continue;
            }
            tokio::select! {
                () = closing.cancelled(), if !receiver.is_closed() => receiver.close(),
                taken = receiver.recv_many(&mut waiting, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// Writes the rows of a batch; when that fails, of each instance by itself, so that one cannot
    /// spoil the others.
    async fn write(&mut self, batch: Vec<Waiting>) {
        let (mut instances, mut syncs, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for Waiting { pending, reply } in batch {
            instances.push(pending.instance);
            syncs.push(pending.synced);
            replies.push(reply);
        }
        let mut syncs = Syncs(syncs);
        let stored = self.rows(&instances, &mut syncs).await;
        let synced = syncs.ended().await;
        // What is away is away for each of them, and trying would take as many waits.
        let away = match &stored {
            Err(Error::Unavailable(why)) => Some(why.clone()),
            _ => None,
        };
        let mut decisions = stored
            .inspect_err(
                |error| tracing::warn!(%error, instances = instances.len(), "a batch of rows failed"),
            )
            .map(|decisions| decisions.into_iter());
        for ((instance, synced), reply) in instances.iter().zip(synced).zip(replies) {
            let outcome = match (synced, &mut decisions, &away) {
                (Err(failed), ..) => Err(failed),
                (Ok(undecided), Ok(decisions), _) => {
                    settle_bytes(instance, undecided, decided(decisions.next().flatten()))
                }
                (Ok(undecided), Err(_), Some(why)) => {
                    settle_bytes(instance, undecided, Err(Error::Unavailable(why.clone())))
                }
                (Ok(undecided), Err(_), None) => {
                    let alone = self.rows(std::slice::from_ref(instance), &mut Syncs::default()).await;
                    let outcome = alone.and_then(|found| decided(found.into_iter().next().flatten()));
                    settle_bytes(instance, undecided, outcome)
                }
            };
            // A door that has gone away, such as a closed association, waits for no answer.
            let _ = reply.send(outcome);
        }
    }

    async fn rows(&mut self, instances: &[NewInstance], syncs: &mut Syncs) -> Result<Vec<Option<Decision>>> {
        match self.store(instances, syncs).await {
            // A database server that broke down has lost rows of segments as well: once more with
            // those made anew.
            Err(_) if !std::mem::take(&mut self.noted).is_empty() => self.store(instances, syncs).await,
            stored => stored,
        }
    }

    async fn store(&mut self, instances: &[NewInstance], syncs: &mut Syncs) -> Result<Vec<Option<Decision>>> {
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
        let prepared = self.arrivals.prepare(instances).await?;
        syncs.all().await?;
        let decisions = prepared.commit().await?;
        if decisions.len() != instances.len() {
            return Err(Error::internal("write the rows of a batch", "decisions are missing"));
        }
        Ok(decisions)
    }
}

/// Those whose bytes are synced, so that none of them waits for the sync of another; when there is
/// none, all, whose rows are then written during their syncs.
fn ripe(waiting: &mut Vec<Waiting>) -> Vec<Waiting> {
    let ripe: Vec<Waiting> = waiting.extract_if(.., |one| one.pending.synced.has_ended()).collect();
    if ripe.is_empty() { std::mem::take(waiting) } else { ripe }
}

/// An instance without a decision was on its way while what it belongs to was deleted. It was not
/// acknowledged, and sent again it is new.
fn decided(decision: Option<Decision>) -> Result<Decision> {
    decision.ok_or_else(|| Error::Unavailable("it was deleted while it arrived; send it again".into()))
}

/// Decides about the bytes once the rows are decided.
///
/// After a failure the bytes stay: a commit whose answer was lost may have happened, and an entry
/// that comes back at the next start is an instance that its sender still holds and will send
/// again, a duplicate then. Only a certain duplicate gives its room back.
fn settle_bytes(instance: &NewInstance, undecided: Undecided, outcome: Result<Decision>) -> Result<Decision> {
    match &outcome {
        Ok(Decision::Duplicate | Decision::Conflict(Version::Duplicate)) => {
            let (offset, length) = (instance.place.offset_bytes, instance.place.length_bytes);
            drop(spawn_blocking(move || undecided.discard(offset, length)));
        }
        Ok(_) => drop(undecided),
        Err(_) => undecided.pin(),
    }
    outcome
}

/// The archive takes nothing in any more.
pub(super) fn stopping() -> Error {
    Error::Unavailable("the archive is stopping".into())
}
