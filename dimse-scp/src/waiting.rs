//! Connections that have not become an association yet.
//!
//! Each holds a file descriptor and what it has sent of its request until the ARTIM timer ends it, so
//! there may only be so many. When one more comes, the one that has waited longest goes: whoever
//! opens connections and says nothing keeps nobody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The connections that wait.
#[derive(Debug)]
pub struct Waiting {
    most: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    last: u64,
    /// By arrival, the oldest first.
    waiting: BTreeMap<u64, CancellationToken>,
}

/// One connection's place; it is free again once this is dropped.
#[derive(Debug)]
pub struct Place {
    waiting: Arc<Waiting>,
    number: u64,
    gone: CancellationToken,
}

impl Waiting {
    /// At most `most` connections.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, line: Mutex::default() })
    }

    /// A place for a connection that has just come.
    pub fn place(self: &Arc<Self>) -> Place {
        let mut line = self.line();
        if line.waiting.len() >= self.most
            && let Some((_, oldest)) = line.waiting.pop_first()
        {
            oldest.cancel();
        }
        line.last += 1;
        let (number, gone) = (line.last, CancellationToken::new());
        line.waiting.insert(number, gone.clone());
        Place { waiting: Arc::clone(self), number, gone }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns when the place has been given to another connection.
    pub async fn given_away(&self) {
        self.gone.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.line().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_ends_when_the_line_is_full() {
        let waiting = Waiting::new(2);
        let first = waiting.place();
        let second = waiting.place();
        drop(second);
        let third = waiting.place();
        assert!(!first.gone.is_cancelled(), "there was room");
        let fourth = waiting.place();
        assert!(first.gone.is_cancelled());
        drop(first);
        assert!(!third.gone.is_cancelled() && !fourth.gone.is_cancelled());
        drop((third, fourth));
        assert!(waiting.line().waiting.is_empty(), "nothing is remembered of who has left");
    }
}
