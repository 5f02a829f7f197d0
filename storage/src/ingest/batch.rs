//! The rows of arriving instances: one transaction for all that wait.
//!
//! An instance may come here while its bytes are still being synced: its rows are written
//! meanwhile, and committed only after the sync. So a store waits for the slower of the two and
//! not for their sum, and still no committed row points at bytes that a loss of power could take.
//!
//! While rows wait for a sync nothing else can be written, so they wait only a moment. What is not synced by then is
//! late: its rows are written once it is, beside those that came after it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::error::{Error, Outage, Result};
use crate::index::arrivals::{Arrivals, Decision, NewInstance, Version};
use crate::index::place::Kept;
use crate::index::segments;
use crate::spool::Undecided;

use super::syncs::{Synced, Syncs};

/// The most instances one transaction takes.
const BATCH: usize = 256;
/// How long a transaction is held open for the syncs of its bytes: longer than those of a disk that is well.
const SYNCED_WITHIN: Duration = Duration::from_millis(250);
/// A batch that takes longer than this is told of in the log.
const SLOW: Duration = Duration::from_secs(5);

/// An instance that lies in the spool and waits for its rows.
pub(crate) struct Pending {
    /// What the rows will hold.
    pub instance: NewInstance,
    /// Comes when its bytes are synced; keeps their segment from then on.
    pub synced: Synced,
}

/// What became of each instance of a batch.
type Decisions = Vec<Option<Decision>>;

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
        // Those whose syncs were waited for long enough.
        let mut late: Vec<Waiting> = Vec::new();
        let mut has_ended = false;
        loop {
            let room = BATCH.saturating_sub(waiting.len());
            waiting.extend(late.extract_if(.., |one| one.pending.synced.has_ended()).take(room));
            while waiting.len() < BATCH
                && let Ok(another) = receiver.try_recv()
            {
                waiting.push(another);
            }
            if !waiting.is_empty() {
                let batch = ripe(&mut waiting, &mut late);
                if !batch.is_empty() {
                    late.extend(self.write(batch).await);
                }
                continue;
            }
            if has_ended && late.is_empty() {
                return;
            }
            tokio::select! {
                () = closing.cancelled(), if !receiver.is_closed() => receiver.close(),
                () = one_ended(&mut late), if !late.is_empty() => {}
                taken = receiver.recv_many(&mut waiting, BATCH), if !has_ended => has_ended = taken == 0,
            }
        }
    }

    /// Writes the rows of a batch; when that fails, of each instance by itself, so that one cannot
    /// spoil the others. Gives back those whose rows are not written because they, or others, are not synced yet.
    async fn write(&mut self, batch: Vec<Waiting>) -> Vec<Waiting> {
        let began = Instant::now();
        let (mut instances, mut syncs, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for Waiting { pending, reply } in batch {
            instances.push(pending.instance);
            syncs.push(pending.synced);
            replies.push(reply);
        }
        let mut syncs = Syncs(syncs);
        let stored = self.rows(&instances, &mut syncs).await.transpose();
        let waits = instances.into_iter().zip(syncs.0).zip(replies);
        let Some(stored) = stored else {
            let again =
                |((instance, synced), reply)| Waiting { pending: Pending { instance, synced }, reply };
            return waits.map(again).collect();
        };
        // What is away is away for each of them, and trying would take as many waits.
        let away = match &stored {
            Err(Error::Unavailable(why)) => Some(why.clone()),
            _ => None,
        };
        let count = waits.len();
        let mut decisions = stored
            .inspect_err(|error| tracing::warn!(%error, instances = count, "a batch of rows failed"))
            .map(|decisions| decisions.into_iter());
        let mut late = Vec::new();
        for ((instance, synced), reply) in waits {
            let synced = match synced {
                Synced::Ended(synced) => synced,
                // The batch has failed before; another one will tell.
                synced @ Synced::Awaited(_) => {
                    late.push(Waiting { pending: Pending { instance, synced }, reply });
                    continue;
                }
            };
            let outcome = match (synced, &mut decisions, &away) {
                (Err(failed), ..) => Err(failed),
                (Ok(undecided), Ok(decisions), _) => {
                    settle_bytes(&instance, undecided, decided(decisions.next().flatten()))
                }
                (Ok(undecided), Err(_), Some(why)) => {
                    settle_bytes(&instance, undecided, Err(Error::Unavailable(why.clone())))
                }
                (Ok(undecided), Err(_), None) => {
                    let alone = self.rows(std::slice::from_ref(&instance), &mut Syncs::default()).await;
                    let outcome =
                        alone.and_then(|found| decided(found.into_iter().flatten().next().flatten()));
                    settle_bytes(&instance, undecided, outcome)
                }
            };
            // A door that has gone away, such as a closed association, waits for no answer.
            let _ = reply.send(outcome);
        }
        if began.elapsed() > SLOW {
            let elapsed_ms = began.elapsed().as_millis();
            tracing::warn!(elapsed_ms, instances = count, "the rows of a batch took long to write");
        }
        late
    }

    async fn rows(&mut self, instances: &[NewInstance], syncs: &mut Syncs) -> Result<Option<Decisions>> {
        match self.store(instances, syncs).await {
            // A database server that broke down has lost rows of segments as well: once more with
            // those made anew.
            Err(_) if !std::mem::take(&mut self.noted).is_empty() => self.store(instances, syncs).await,
            stored => stored,
        }
    }

    /// The decisions; `None`, and nothing is written, when the syncs take longer than a transaction is held open.
    async fn store(&mut self, instances: &[NewInstance], syncs: &mut Syncs) -> Result<Option<Decisions>> {
        let segments = instances.iter().filter_map(|instance| match instance.place.kept {
            Kept::Segment(id) => Some(id),
            Kept::Pack(_) | Kept::Apart(_) => None,
        });
        let fresh: Vec<_> = segments.filter(|id| !self.noted.contains(&id.0)).collect();
        if !fresh.is_empty() {
            let now_ms = instances.iter().map(|instance| instance.received_ms).max().unwrap_or(0);
            segments::ensure(&self.database, &self.node, &fresh, now_ms).await?;
            self.noted.extend(fresh.iter().map(|id| id.0));
        }
        let prepared = self.arrivals.prepare(instances).await?;
        if !syncs.all_within(SYNCED_WITHIN).await? {
            return Ok(None);
        }
        let decisions = prepared.commit().await?;
        if decisions.len() != instances.len() {
            return Err(Error::internal("write the rows of a batch", "decisions are missing"));
        }
        Ok(Some(decisions))
    }
}

/// Those whose bytes are synced, so that none of them waits for the sync of another; when there is
/// none, all, whose rows are then written during their syncs. While the disk is slow the others are late at once.
fn ripe(waiting: &mut Vec<Waiting>, late: &mut Vec<Waiting>) -> Vec<Waiting> {
    let ripe: Vec<Waiting> = waiting.extract_if(.., |one| one.pending.synced.has_ended()).collect();
    match (ripe.is_empty(), late.is_empty()) {
        (true, true) => std::mem::take(waiting),
        (_, true) => ripe,
        (_, false) => {
            late.append(waiting);
            ripe
        }
    }
}

/// Returns once the sync of one of them has ended. Cancel safe.
async fn one_ended(late: &mut [Waiting]) {
    std::future::poll_fn(|context| {
        let mut ended = late.iter_mut().filter_map(|one| match one.pending.synced.poll_ended(context) {
            Poll::Ready(()) => Some(()),
            Poll::Pending => None,
        });
        ended.next().map_or(Poll::Pending, Poll::Ready)
    })
    .await;
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
    Error::Unavailable(Outage::STOPPING)
}
