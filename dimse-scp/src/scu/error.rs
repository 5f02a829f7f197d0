//! What can go wrong with an association that this side asked for.

use crate::association::End;
use crate::pdu::{PduError, Rejection};

/// The error of every operation of a service class user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Unreachable(std::io::Error),
    /// The TLS handshake failed: the certificate is not the peer's, or the peer speaks no TLS.
    #[error("TLS handshake failed: {0}")]
    Handshake(std::io::Error),
    /// The peer rejected the association.
    #[error("association rejected: {0}")]
    Rejected(Rejection),
    /// The association ended before the operation did.
    #[error("association ended: {0}")]
    Ended(#[from] End),
    /// The peer accepted no presentation context that fits.
    #[error("the peer accepted no presentation context for this SOP class and transfer syntax")]
    NoContext,
    /// A file that is to be sent, or a data set that came, cannot be read.
    #[error("unreadable data set: {0}")]
    Unreadable(String),
    /// What is to be sent could not be read to its end now; it may be later.
    #[error("{0}")]
    Withheld(String),
}

impl From<PduError> for Error {
    fn from(error: PduError) -> Self {
        Self::Ended(error.into())
    }
}
