//! The kinds of work, and how a piece of it can end.

use pacs_core::uid::AeTitle;
use pacs_core::why::{Cause, Why};
use storage::devices;
use storage::jobs::Job;
use storage::transfers::{self, Trouble, commitments};
use storage::{Archive, availability, forwarding, priors, remote_queries, ups};

use super::{commitment, forward, notify, peer, priors as priors_, pull, query, send, step_report};
use crate::dimse::Status;
use crate::listener::Shared;
use crate::scu;

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
    /// What a patient had before, from an archive.
    Priors,
    /// Whether a device keeps what was sent to it.
    Commitment,
    /// A modality's report, told on.
    PerformedStep,
    /// Which images are available.
    Availability,
    /// What has happened to a unified procedure step.
    StepReport,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Query,
        Self::PerformedStep,
        Self::StepReport,
        Self::Send,
        Self::Pull,
        Self::Priors,
        Self::Commitment,
        Self::Availability,
    ];

    /// The kind of its jobs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => transfers::SEND,
            Self::Pull => transfers::PULL,
            Self::Query => remote_queries::QUERY,
            Self::Priors => priors::PRIORS,
            Self::Commitment => commitments::COMMITMENT_REQUEST,
            Self::PerformedStep => forwarding::PERFORMED_STEP,
            Self::Availability => availability::AVAILABILITY,
            Self::StepReport => ups::EVENT_REPORT,
        }
    }

    /// Whether jobs of a lane are done in the order in which they were made.
    pub fn is_in_order(self) -> bool {
        matches!(self, Self::PerformedStep | Self::StepReport)
    }

    /// How many jobs of a lane are worked on at a time.
    pub async fn limit(self, archive: &Archive, lane: &AeTitle) -> storage::Result<usize> {
        Ok(match self {
            Self::Send => {
                let device = devices::by_ae(archive.database(), lane).await?;
                device.map_or(1, |device| usize::from(device.dealings.send_limit))
            }
            Self::Query => QUERIES_AT_ONCE,
            _ => 1,
        })
    }

    /// Does a job.
    pub async fn work(self, shared: &Shared, lane: &AeTitle, job: &Job, worker: &str) -> Ended {
        let ended = match self {
            Self::Send => send::work(shared, job, worker).await,
            Self::Pull => pull::work(shared, job, worker).await,
            Self::Query => query::work(shared, lane, job, worker).await,
            Self::Priors => priors_::work(shared, lane, job).await,
            Self::Commitment => commitment::work(shared, lane, job, worker).await,
            Self::PerformedStep => forward::work(shared, lane, job).await,
            Self::Availability => notify::work(shared, lane, job).await,
            Self::StepReport => step_report::work(shared, lane, job).await,
        };
        ended.unwrap_or_else(Ended::of)
    }
}

/// What an answer to a request means for its job, or that there is none.
pub fn answered(answer: Result<Status, scu::Error>) -> Ended {
    match answer {
        Ok(status) if !status.is_failure() => Ended::Done,
        Ok(status) if is_passing(status) => Ended::Later(failed(status)),
        Ok(status) => Ended::Never(failed(status)),
        Err(error @ (scu::Error::Unreachable(_) | scu::Error::Handshake(_) | scu::Error::Rejected(_))) => {
            Ended::Away(peer::reason(&error))
        }
        Err(error @ scu::Error::Ended(_)) => Ended::Later(peer::reason(&error)),
        Err(error) => Ended::Never(peer::reason(&error)),
    }
}

/// That the peer answered so.
pub fn failed(status: Status) -> Why {
    Trouble::Peer.because(format_args!("it answered {status}")).answered(status.0)
}

/// Whether a failure is one that may be gone a while later: the peer was full, busy or confused (PS3.4 B.2.3,
/// PS3.7 C.5). What it does not understand or not want, it will not want later.
pub fn is_passing(status: Status) -> bool {
    matches!(status, Status(0xa700..=0xa7ff) | Status::PROCESSING_FAILURE | Status::RESOURCE_LIMITATION)
}

/// How work on a job ended.
#[derive(Debug)]
pub enum Ended {
    /// Done.
    Done,
    /// The device cannot be reached or takes no association: nothing else for it is tried meanwhile.
    Away(Why),
    /// Not done yet; another try may help.
    Later(Why),
    /// Another try would end the same way.
    Never(Why),
    /// The job is no longer this worker's: it was cancelled.
    Lost,
    /// The server stops.
    Stopped,
}

impl Ended {
    /// Whether the job is given up so, for good or for having been tried as often as it may be.
    pub fn gives_up(&self, job: &Job) -> bool {
        match self {
            Self::Never(_) => true,
            Self::Later(_) | Self::Away(_) => job.attempts >= job.max_attempts,
            Self::Done | Self::Lost | Self::Stopped => false,
        }
    }

    /// What a fault of storage means. What exactly it was goes to the log.
    pub fn of(error: storage::Error) -> Self {
        match error {
            storage::Error::Conflict(_) => Self::Lost,
            error => {
                tracing::warn!(%error, "a queued job could not go on");
                let why = Trouble::Internal.because("see the archive's log");
                Self::Later(why.of(error.cause().filter(|cause| *cause != Cause::Internal)))
            }
        }
    }
}
