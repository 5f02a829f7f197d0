//! The associations over which a C-MOVE sends: one at first, more beside it when there is much to send and the
//! destination has taken something.

use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::FuturesUnordered;
use storage::InstancePlace;

use super::sender::{Sender, Unsent};
use super::stored::Opened;
use crate::scu;

/// Associations with a destination at a time. More gain little: the receiver's disk is the limit.
const MOST: usize = 3;
/// Fewer instances than this are sent before a second association would be open.
const WORTH_MORE: u64 = 48;
/// What is under way when the requestor cancels may end, for so long.
const CANCELLED_WITHIN: Duration = Duration::from_secs(2);

/// An instance that is to be sent.
struct Task {
    place: InstancePlace,
    opened: storage::Result<Opened>,
}

/// What came of one instance.
pub struct Done {
    pub place: InstancePlace,
    pub result: Result<scu::Response, Unsent>,
}

enum Step {
    /// A further association is open.
    Joined(Sender),
    /// The destination does not want a further one.
    Declined,
    /// An instance was dealt with.
    Done(Sender, Box<Done>),
    /// An instance was not begun, for this reason.
    NotBegun(Sender, Box<Task>, Unsent),
}

/// Senders, idle and at work.
pub struct Crew {
    idle: Vec<Sender>,
    /// One that has given up, kept for when there is no other: it says why.
    given_up: Option<Sender>,
    steps: FuturesUnordered<BoxFuture<'static, Step>>,
    /// Instances that wait for a sender.
    waiting: Vec<Task>,
    /// Instances under way.
    at_work: usize,
    /// How many more may be asked for.
    wanted: usize,
}

impl Crew {
    /// The first sender, for so many instances.
    pub fn new(first: Sender, instances: u64) -> Self {
        let wanted = if instances >= WORTH_MORE && first.has_one_part() { MOST - 1 } else { 0 };
        Self {
            idle: vec![first],
            given_up: None,
            steps: FuturesUnordered::new(),
            waiting: Vec::new(),
            at_work: 0,
            wanted,
        }
    }

    /// Whether a sender has nothing to do.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && (!self.idle.is_empty() || self.steps.is_empty() && self.given_up.is_some())
    }

    /// Whether anything is under way, a further association too.
    pub fn is_busy(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Whether no instance is under way.
    pub fn is_done(&self) -> bool {
        self.at_work == 0 && self.waiting.is_empty()
    }

    /// Sends an instance, once a sender has nothing to do.
    pub fn send(&mut self, place: InstancePlace, opened: storage::Result<Opened>) {
        self.waiting.push(Task { place, opened });
        self.begin();
    }

    fn begin(&mut self) {
        while !self.waiting.is_empty()
            && let Some(mut sender) = self.next_sender()
            && let Some(Task { place, opened }) = self.waiting.pop()
        {
            self.at_work += 1;
            let step = async move {
                let result = match sender.prepare(&place).await {
                    Ok(()) => sender.send(&place, opened).await,
                    Err(error @ Unsent::LateKind(_)) => Err(error),
                    Err(error) => return Step::NotBegun(sender, Box::new(Task { place, opened }), error),
                };
                Step::Done(sender, Box::new(Done { place, result }))
            };
            self.steps.push(step.boxed());
        }
    }

    /// One that has nothing to do; one that has given up only when there is no other, nor will be.
    fn next_sender(&mut self) -> Option<Sender> {
        let alone = self.steps.is_empty();
        self.idle.pop().or_else(|| self.given_up.take_if(|_| alone))
    }

    fn rest(&mut self, sender: Sender) {
        if sender.has_given_up() {
            self.given_up = Some(sender);
        } else {
            self.idle.push(sender);
        }
    }

    /// The next instance that was dealt with, or `None` when something else has happened. Cancel safe.
    pub async fn next(&mut self) -> Option<Done> {
        let done = self.step().await;
        self.begin();
        done
    }

    async fn step(&mut self) -> Option<Done> {
        match self.steps.next().await? {
            Step::Joined(sender) => {
                self.idle.push(sender);
                None
            }
            Step::Declined => None,
            Step::Done(sender, done) => {
                self.at_work -= 1;
                if done.result.is_ok() {
                    for _ in 0..std::mem::take(&mut self.wanted) {
                        self.steps.push(joined(sender.another()).boxed());
                    }
                }
                self.rest(sender);
                Some(*done)
            }
            Step::NotBegun(sender, task, error) => {
                self.at_work -= 1;
                self.rest(sender);
                if self.idle.is_empty() && self.steps.is_empty() {
                    Some(Done { place: task.place, result: Err(error) })
                } else {
                    self.waiting.push(*task);
                    None
                }
            }
        }
    }

    /// What is still under way and ends soon, after a C-CANCEL.
    pub async fn wind_up(&mut self) -> Vec<Done> {
        let mut ended = Vec::new();
        let _ = tokio::time::timeout(CANCELLED_WITHIN, async {
            while self.at_work > 0 {
                ended.extend(self.step().await);
            }
        })
        .await;
        ended
    }

    /// Releases the associations, all at once. Those that are being opened are dropped.
    pub async fn release(self) {
        let releasing = self.idle.into_iter().map(|mut sender| async move { sender.release().await });
        futures::future::join_all(releasing).await;
    }
}

async fn joined(mut sender: Sender) -> Step {
    match sender.join().await {
        Ok(()) => Step::Joined(sender),
        Err(error) => {
            tracing::debug!(%error, "the destination takes no further association");
            Step::Declined
        }
    }
}
