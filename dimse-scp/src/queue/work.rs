//! The kinds of work, and how a piece of it can end.

use pacs_core::uid::AeTitle;
use storage::devices;
use storage::jobs::Job;
use storage::{Archive, remote_queries, transfers};

use super::{pull, query, send};
use crate::listener::Shared;

/// Questions to one archive at a time: people wait for the answers.
const QUERIES_AT_ONCE: usize = 4;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Images to a device.
    Send,
    /// Images from a device.
    Pull,
    /// A question to a device.
    Query,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Query, Self::Send, Self::Pull];

    /// The kind of its jobs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => transfers::SEND,
            Self::Pull => transfers::PULL,
            Self::Query => remote_queries::QUERY,
        }
    }

    /// How many jobs of a lane are worked on at a time.
    pub async fn limit(self, archive: &Archive, lane: &AeTitle) -> storage::Result<usize> {
        Ok(match self {
            Self::Send => {
                let device = devices::by_ae(archive.database(), lane).await?;
                device.map_or(1, |device| usize::from(device.dealings.send_limit))
            }
            Self::Pull => 1,
            Self::Query => QUERIES_AT_ONCE,
        })
    }

    /// Does a job.
    pub async fn work(self, shared: &Shared, lane: &AeTitle, job: &Job, worker: &str) -> Ended {
        let ended = match self {
            Self::Send => send::work(shared, job, worker).await,
            Self::Pull => pull::work(shared, job, worker).await,
            Self::Query => query::work(shared, lane, job, worker).await,
        };
        ended.unwrap_or_else(Ended::of)
    }
}

/// How work on a job ended. Reasons begin with a word that the pages have texts for.
#[derive(Debug)]
pub enum Ended {
    /// Done.
    Done,
    /// The device cannot be reached or takes no association: nothing else for it is tried meanwhile.
    Away(String),
    /// Not done yet; another try may help.
    Later(String),
    /// Another try would end the same way.
    Never(String),
    /// The job is no longer this worker's: it was cancelled.
    Lost,
    /// The server stops.
    Stopped,
}

impl Ended {
    /// What a fault of storage means. What exactly it was goes to the log.
    fn of(error: storage::Error) -> Self {
        match error {
            storage::Error::Conflict(_) => Self::Lost,
            error => {
                tracing::warn!(%error, "a queued job could not go on");
                Self::Later("internal: see the archive's log".to_owned())
            }
        }
    }
}
