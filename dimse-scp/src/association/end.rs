//! Why an association ended.

use crate::dimse::CommandError;
use crate::pdu::{AbortSource, PduError, refusal};

/// Why an association ended: every function that talks to a peer gives it back as its error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The peer asked for release, or answered ours.
    #[error("released")]
    Released,
    /// The peer aborted.
    #[error("aborted by the peer ({source_of_abort:?}, reason {reason})")]
    Aborted {
        /// Which side of the peer.
        source_of_abort: AbortSource,
        /// The provider's reason.
        reason: u8,
    },
    /// The connection closed or failed without a farewell.
    #[error("connection lost")]
    Lost,
    /// The peer sent what may not be sent.
    #[error("protocol fault: {what}")]
    Protocol {
        /// What was wrong, without anything the peer sent beside numbers.
        what: String,
        /// The reason for our A-ABORT.
        reason: u8,
    },
    /// Nothing came between two messages for longer than is allowed.
    #[error("idle for too long")]
    Idle,
    /// A message, or the answer to ours, did not come along fast enough.
    #[error("the peer stalled")]
    Stalled,
    /// The peer did not take what was written.
    #[error("the peer does not read")]
    WriteTimeout,
    /// The server is stopping.
    #[error("stopped")]
    Stopped,
    /// This side gives up, for the reason told.
    #[error("given up: {0}")]
    Cut(&'static str),
}

impl End {
    /// A message that does not belong here.
    pub fn unexpected(what: &str) -> Self {
        Self::Protocol { what: what.to_owned(), reason: refusal::reason::UNEXPECTED_PDU }
    }

    /// A word for metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Aborted { .. } => "aborted",
            Self::Lost => "lost",
            Self::Protocol { .. } => "protocol",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::WriteTimeout => "write-timeout",
            Self::Stopped => "stopped",
            Self::Cut(_) => "cut",
        }
    }
}

impl From<PduError> for End {
    fn from(error: PduError) -> Self {
        Self::Protocol { what: error.to_string(), reason: error.abort_reason() }
    }
}

impl From<CommandError> for End {
    fn from(error: CommandError) -> Self {
        Self::Protocol { what: error.to_string(), reason: refusal::reason::INVALID_PARAMETER_VALUE }
    }
}
