//! The reports that an association waits for, and those that it has sent and that are not answered yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use storage::commitment::{self, Task};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;

use super::{Report, report};
use crate::listener::Shared;

/// How long an association is worth waiting for: a device that asks and stays waits for no more.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// How long a report is the association's to deliver; another worker has it after that.
pub(crate) const LEASE_MS: i64 = 60_000;
/// Requests of an association that are worked on beside it, and reports that may wait for their answers;
/// further ones are the worker's.
const MOST: usize = 4;

/// A request whose report is to be sent now.
pub(crate) struct Ready {
    /// The presentation context that the request came in.
    pub context: u8,
    pub task: Task,
    pub report: Report,
}

/// What an association owes to its device.
pub(crate) struct Pending {
    shared: Shared,
    /// As which worker the association holds its requests.
    worker: String,
    places: Arc<Semaphore>,
    made: Sender<Ready>,
    ready: Receiver<Ready>,
    sent: HashMap<u16, (Task, Report)>,
    last_message_id: u16,
}

impl Pending {
    /// Of a new association.
    pub fn new(shared: Shared) -> Self {
        let (made, ready) = mpsc::channel(MOST);
        Self {
            worker: shared.new_worker(),
            shared,
            places: Arc::new(Semaphore::new(MOST)),
            made,
            ready,
            sent: HashMap::new(),
            last_message_id: 0,
        }
    }

    /// As which worker the association holds its requests.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// Finds out what is to be reported; what is not known soon is left to the worker.
    pub async fn begin(&self, context: u8, task: Task) {
        let (shared, worker) = (self.shared.clone(), self.worker.clone());
        // One that asks and asks and answers nothing hears elsewhere.
        let place = self.places.clone().try_acquire_owned().ok().filter(|_| self.sent.len() < MOST);
        let Some(place) = place else {
            return hand_over(&shared, &worker, &task).await;
        };
        let made = self.made.clone();
        tokio::spawn(async move {
            let _place = place;
            let (archive, request) = (shared.archive.clone(), task.request.clone());
            // Settling goes on though nobody waits any more: it may not be broken off half-way.
            let judging = tokio::spawn(async move { report(&archive, &request).await });
            let unsent = match timeout(READY_WITHIN, judging).await {
                Ok(Ok(Ok(report))) => match made.send(Ready { context, task, report }).await {
                    Ok(()) => return,
                    // The association has ended.
                    Err(unsent) => unsent.0.task,
                },
                _ => task,
            };
            hand_over(&shared, &worker, &unsent).await;
        });
    }

    /// The next report that is ready. Cancel safe.
    pub async fn ready(&mut self) -> Ready {
        match self.ready.recv().await {
            Some(ready) => ready,
            // Never: this value holds a sender.
            None => std::future::pending().await,
        }
    }

    /// A message ID for a report that is sent now.
    pub fn number(&mut self, task: Task, report: Report) -> u16 {
        self.last_message_id = self.last_message_id.checked_add(1).unwrap_or(1);
        self.sent.insert(self.last_message_id, (task, report));
        self.last_message_id
    }

    /// The report that a response is about.
    pub fn answered(&mut self, message_id: u16) -> Option<(Task, Report)> {
        self.sent.remove(&message_id)
    }

    /// Leaves a request to the worker.
    pub async fn hand_over(&self, task: &Task) {
        hand_over(&self.shared, &self.worker, task).await;
    }

    /// Leaves everything that has not been answered to the worker.
    pub async fn end(mut self) {
        self.ready.close();
        while let Ok(ready) = self.ready.try_recv() {
            self.hand_over(&ready.task).await;
        }
        for (task, _) in self.sent.values() {
            self.hand_over(task).await;
        }
    }
}

async fn hand_over(shared: &Shared, worker: &str, task: &Task) {
    let (database, now_ms) = (shared.archive.database(), shared.archive.config().clock.now_ms());
    if let Err(error) = commitment::hand_over(database, task, worker, now_ms).await {
        tracing::debug!(%error, "a commitment request was not handed over; its lease runs out");
    }
    shared.overdue.notify_one();
}
