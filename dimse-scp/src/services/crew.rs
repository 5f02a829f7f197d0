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
}

/// Senders, idle and at work.
pub struct Crew {
    idle: Vec<Sender>,
    steps: FuturesUnordered<BoxFuture<'static, Step>>,
    /// Instances under way.
    at_work: usize,
    /// How many more may be asked for.
    wanted: usize,
}

impl Crew {
    /// The first sender, for so many instances.
    pub fn new(first: Sender, instances: u64) -> Self {
        let wanted = if instances >= WORTH_MORE && first.has_one_part() { MOST - 1 } else { 0 };
        Self { idle: vec![first], steps: FuturesUnordered::new(), at_work: 0, wanted }
    }

    /// A sender that has nothing to do.
    pub fn idle(&mut self) -> Option<Sender> {
        self.idle.pop()
    }

    /// Gives a sender back that got nothing to do.
    pub fn rest(&mut self, sender: Sender) {
        self.idle.push(sender);
    }

    /// Begins to send an instance.
    pub fn send(&mut self, mut sender: Sender, place: InstancePlace, opened: storage::Result<Opened>) {
        self.at_work += 1;
        let step = async move {
            let result = sender.send(&place, opened).await;
            Step::Done(sender, Box::new(Done { place, result }))
        };
        self.steps.push(step.boxed());
    }

    /// Whether no instance is under way.
    pub fn is_done(&self) -> bool {
        self.at_work == 0
    }

    /// The next instance that was dealt with, or `None` when a sender has become free otherwise. Cancel safe.
    pub async fn next(&mut self) -> Option<Done> {
        match self.steps.next().await? {
            Step::Joined(sender) => self.idle.push(sender),
            Step::Declined => {}
            Step::Done(sender, done) => {
                self.at_work -= 1;
                if done.result.is_ok() {
                    for _ in 0..std::mem::take(&mut self.wanted) {
                        self.steps.push(joined(sender.another()).boxed());
                    }
                }
                self.idle.push(sender);
                return Some(*done);
            }
        }
        None
    }

    /// What is still under way and ends soon, after a C-CANCEL.
    pub async fn wind_up(&mut self) -> Vec<Done> {
        let mut ended = Vec::new();
        let _ = tokio::time::timeout(CANCELLED_WITHIN, async {
            while !self.is_done() {
                ended.extend(self.next().await);
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
