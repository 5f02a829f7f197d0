//! Why an association did not come to be, or did not end well: words that the pages have sentences for, in both
//! languages.

use std::fmt::Display;

use pacs_core::why::Why;

use crate::association::End;
use crate::pdu::Rejection;
use crate::scu::Error;

/// What stands between a peer and an association that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The application context is not DICOM's, or the protocol version is another.
    Protocol,
    /// The called AE title is none of ours.
    CalledUnknown,
    /// The called AE title is ours, and not among those that the device may call.
    CalledNotAllowed,
    /// The calling AE title is none.
    CallingInvalid,
    /// No device has the calling AE title.
    CallingUnknown,
    /// The calling AE title is a device's, and used from another address than the device's.
    OtherAddress,
    /// The devices, or the address of one, cannot be looked up just now.
    CannotLookUp,
    /// As many associations as there may be are open.
    TooMany,
    /// As many associations with this title as there may be are open.
    TooManyOfTitle,
    /// The device has to use TLS, and did not.
    TlsRequired,
    /// It spoke without TLS at the port of TLS.
    PlainAtTlsPort,
    /// It spoke TLS at the port without it.
    TlsAtPlainPort,
    /// The TLS handshake failed.
    Handshake,
    /// The device is bound to a certificate, and showed none.
    NoCertificate,
    /// The device is bound to another certificate than the one it showed.
    OtherCertificate,
    /// The certificate fits, and no authority that is trusted here has issued it.
    UntrustedCertificate,
    /// The device has to name an account with its password, and did not.
    UserRequired,
    /// The passcode is not the account's, or there is no such account.
    UserWrong,
    /// Too many wrong passcodes came; it has to wait.
    UserHasToWait,
    /// What came is no association request.
    NotDicom,
    /// Nothing that it proposed is served.
    NothingServed,
    /// It aborted the association.
    Aborted,
    /// It sent what may not be sent.
    Fault,
    /// It stopped in the middle of something, or said nothing for too long.
    Stalled,
    /// The connection broke.
    Lost,
    /// An operation failed.
    Operation,
    /// It could not be reached.
    Unreachable,
    /// It rejected our request.
    RejectedThere,
    /// It has no address, or this archive has no AE title.
    NoAddress,
    /// It has to be called over TLS, and there is no certificate here.
    NoCertificateHere,
    /// This server ended in the middle of a test.
    Internal,
}

impl Reason {
    /// Everything that may be.
    pub const ALL: [Self; 31] = [
        Self::Protocol,
        Self::CalledUnknown,
        Self::CalledNotAllowed,
        Self::CallingInvalid,
        Self::CallingUnknown,
        Self::OtherAddress,
        Self::CannotLookUp,
        Self::TooMany,
        Self::TooManyOfTitle,
        Self::TlsRequired,
        Self::PlainAtTlsPort,
        Self::TlsAtPlainPort,
        Self::Handshake,
        Self::NoCertificate,
        Self::OtherCertificate,
        Self::UntrustedCertificate,
        Self::UserRequired,
        Self::UserWrong,
        Self::UserHasToWait,
        Self::NotDicom,
        Self::NothingServed,
        Self::Aborted,
        Self::Fault,
        Self::Stalled,
        Self::Lost,
        Self::Operation,
        Self::Unreachable,
        Self::RejectedThere,
        Self::NoAddress,
        Self::NoCertificateHere,
        Self::Internal,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::CalledUnknown => "calledUnknown",
            Self::CalledNotAllowed => "calledNotAllowed",
            Self::CallingInvalid => "callingInvalid",
            Self::CallingUnknown => "callingUnknown",
            Self::OtherAddress => "otherAddress",
            Self::CannotLookUp => "cannotLookUp",
            Self::TooMany => "tooMany",
            Self::TooManyOfTitle => "tooManyOfTitle",
            Self::TlsRequired => "tlsRequired",
            Self::PlainAtTlsPort => "plainAtTlsPort",
            Self::TlsAtPlainPort => "tlsAtPlainPort",
            Self::Handshake => "handshake",
            Self::NoCertificate => "noCertificate",
            Self::OtherCertificate => "otherCertificate",
            Self::UntrustedCertificate => "untrustedCertificate",
            Self::UserRequired => "userRequired",
            Self::UserWrong => "userWrong",
            Self::UserHasToWait => "userHasToWait",
            Self::NotDicom => "notDicom",
            Self::NothingServed => "nothingServed",
            Self::Aborted => "aborted",
            Self::Fault => "fault",
            Self::Stalled => "stalled",
            Self::Lost => "lost",
            Self::Operation => "operation",
            Self::Unreachable => "unreachable",
            Self::RejectedThere => "rejectedThere",
            Self::NoAddress => "noAddress",
            Self::NoCertificateHere => "noCertificateHere",
            // As `storage::jobs` says it of jobs that were cut off.
            Self::Internal => "internal",
        }
    }

    /// The reason, with what else is known in English.
    pub fn because(self, detail: impl Display) -> Why {
        Why::new(self.as_str(), detail)
    }

    /// What an association that was opened here failed for.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Unreachable(_) => Self::Unreachable,
            Error::Handshake(_) => Self::Handshake,
            Error::Rejected(_) => Self::RejectedThere,
            Error::Ended(end) => Self::of_end(end).unwrap_or(Self::Lost),
            Error::NoContext => Self::NothingServed,
            Error::Unreadable(_) | Error::Withheld(_) => Self::Fault,
        }
    }

    /// What an association that ended so is to be noted for; `None` when all is well.
    pub fn of_end(end: &End) -> Option<Self> {
        match end {
            End::Released | End::Stopped => None,
            End::Aborted { .. } => Some(Self::Aborted),
            End::Lost => Some(Self::Lost),
            End::Protocol { .. } => Some(Self::Fault),
            End::Idle | End::Stalled | End::WriteTimeout => Some(Self::Stalled),
            End::Cut(_) => Some(Self::Fault),
        }
    }
}

/// A request that is not granted: what the peer is told, and what the administrator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What goes to the peer.
    pub rejection: Rejection,
    /// What goes to the log and the pages.
    pub reason: Reason,
}

impl Refused {
    /// A request refused for that reason.
    pub fn new(rejection: Rejection, reason: Reason) -> Self {
        Self { rejection, reason }
    }
}
