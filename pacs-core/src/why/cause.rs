//! What lies underneath a reason: words that are the same wherever something does not go.

use std::io::{Error, ErrorKind};

/// What lies underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing listens at that address and port.
    ConnectionRefused,
    /// There was no answer in time.
    TimedOut,
    /// No address is known for that name.
    HostUnknown,
    /// No way leads to that address.
    NoRoute,
    /// The connection was closed by the other side without a word.
    ConnectionReset,
    /// It may not be read or written.
    PermissionDenied,
    /// There is no such file or folder.
    NotThere,
    /// The disk is full.
    DiskFull,
    /// It may only be read.
    ReadOnly,
    /// The disk, or what is in its place, fails.
    Input,
    /// It does not know our AE title.
    CallingAe,
    /// It is not the AE title that was called.
    CalledAe,
    /// It does not speak DICOM's application context.
    ApplicationContext,
    /// It speaks another version of the protocol.
    ProtocolVersion,
    /// It does not accept the user that was named.
    UserIdentity,
    /// It is busy.
    Congestion,
    /// It has as many associations open as it may.
    LimitExceeded,
    /// It rejects without saying why.
    RejectedWithoutReason,
    /// It aborted the association.
    Aborted,
    /// The connection broke.
    Lost,
    /// It sent what may not be sent.
    Fault,
    /// It said nothing for too long, or took nothing.
    Stalled,
    /// This side gave up.
    GivenUp,
    /// Status 0xA7xx, 0x0213: it is full or busy.
    OutOfResources,
    /// Status 0xA701: it cannot count what matches.
    CannotCount,
    /// Status 0xA702: it cannot send what was asked for.
    CannotPerform,
    /// Status 0xA801: it does not know our AE title as a destination.
    DestinationUnknown,
    /// Status 0xA9xx: the data set does not fit the SOP class.
    Mismatch,
    /// Status 0xCxxx: it does not understand the data set.
    NotUnderstood,
    /// Status 0x0124: it does not allow this.
    NotAuthorized,
    /// Status 0x0122: it does not serve this SOP class.
    ClassNotSupported,
    /// Status 0x0110: a fault of its own.
    ProcessingFailure,
    /// Status 0x0112: it does not have the instance.
    NoSuchInstance,
    /// Statuses of attributes that are missing or that it does not take (PS3.7 C.5).
    InvalidDataSet,
    /// Status 0xBxxx: a part did not go.
    SomeFailed,
    /// Status 0xFE00: it was cancelled.
    Cancelled,
    /// Any other status.
    OtherStatus,
    /// The object store does not answer.
    StoreAway,
    /// The database is busy or away.
    DatabaseAway,
    /// The spool is full.
    SpoolFull,
    /// A disk of the archive is nearly full.
    NearlyFull,
    /// The archive is stopping.
    Stopping,
    /// What is stored is not what was stored.
    Damaged,
    /// It is not possible just now.
    Busy,
    /// A fault of the archive, which its log tells.
    Internal,
}

impl Cause {
    /// Everything that may be.
    pub const ALL: [Self; 45] = [
        Self::ConnectionRefused,
        Self::TimedOut,
        Self::HostUnknown,
        Self::NoRoute,
        Self::ConnectionReset,
        Self::PermissionDenied,
        Self::NotThere,
        Self::DiskFull,
        Self::ReadOnly,
        Self::Input,
        Self::CallingAe,
        Self::CalledAe,
        Self::ApplicationContext,
        Self::ProtocolVersion,
        Self::UserIdentity,
        Self::Congestion,
        Self::LimitExceeded,
        Self::RejectedWithoutReason,
        Self::Aborted,
        Self::Lost,
        Self::Fault,
        Self::Stalled,
        Self::GivenUp,
        Self::OutOfResources,
        Self::CannotCount,
        Self::CannotPerform,
        Self::DestinationUnknown,
        Self::Mismatch,
        Self::NotUnderstood,
        Self::NotAuthorized,
        Self::ClassNotSupported,
        Self::ProcessingFailure,
        Self::NoSuchInstance,
        Self::InvalidDataSet,
        Self::SomeFailed,
        Self::Cancelled,
        Self::OtherStatus,
        Self::StoreAway,
        Self::DatabaseAway,
        Self::SpoolFull,
        Self::NearlyFull,
        Self::Stopping,
        Self::Damaged,
        Self::Busy,
        Self::Internal,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connectionRefused",
            Self::TimedOut => "timedOut",
            Self::HostUnknown => "hostUnknown",
            Self::NoRoute => "noRoute",
            Self::ConnectionReset => "connectionReset",
            Self::PermissionDenied => "permissionDenied",
            Self::NotThere => "notThere",
            Self::DiskFull => "diskFull",
            Self::ReadOnly => "readOnly",
            Self::Input => "input",
            Self::CallingAe => "callingAe",
            Self::CalledAe => "calledAe",
            Self::ApplicationContext => "applicationContext",
            Self::ProtocolVersion => "protocolVersion",
            Self::UserIdentity => "userIdentity",
            Self::Congestion => "congestion",
            Self::LimitExceeded => "limitExceeded",
            Self::RejectedWithoutReason => "rejectedWithoutReason",
            Self::Aborted => "aborted",
            Self::Lost => "lost",
            Self::Fault => "fault",
            Self::Stalled => "stalled",
            Self::GivenUp => "givenUp",
            Self::OutOfResources => "outOfResources",
            Self::CannotCount => "cannotCount",
            Self::CannotPerform => "cannotPerform",
            Self::DestinationUnknown => "destinationUnknown",
            Self::Mismatch => "mismatch",
            Self::NotUnderstood => "notUnderstood",
            Self::NotAuthorized => "notAuthorized",
            Self::ClassNotSupported => "classNotSupported",
            Self::ProcessingFailure => "processingFailure",
            Self::NoSuchInstance => "noSuchInstance",
            Self::InvalidDataSet => "invalidDataSet",
            Self::SomeFailed => "someFailed",
            Self::Cancelled => "cancelled",
            Self::OtherStatus => "otherStatus",
            Self::StoreAway => "storeAway",
            Self::DatabaseAway => "databaseAway",
            Self::SpoolFull => "spoolFull",
            Self::NearlyFull => "nearlyFull",
            Self::Stopping => "stopping",
            Self::Damaged => "damaged",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// What an operation of the system failed for, where there is a word for it.
    pub fn of_io(error: &Error) -> Option<Self> {
        /// `EIO`; the standard library has no kind for it.
        const INPUT_OUTPUT: i32 = 5;
        Some(match error.kind() {
            ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => {
                Self::NoRoute
            }
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::ConnectionReset,
            ErrorKind::PermissionDenied => Self::PermissionDenied,
            ErrorKind::NotFound => Self::NotThere,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ if error.raw_os_error() == Some(INPUT_OUTPUT) => Self::Input,
            // Nor for this.
            _ if error.to_string().starts_with("failed to lookup address") => Self::HostUnknown,
            _ => return None,
        })
    }

    /// What the status of an answer means (PS3.7 C, PS3.4 B.2.3 and C.4), or a failure reason (PS3.3 C.14.1.1).
    pub fn of_status(status: u16) -> Self {
        match status {
            0xa701 => Self::CannotCount,
            0xa702 => Self::CannotPerform,
            0xa801 => Self::DestinationUnknown,
            0x0124 => Self::NotAuthorized,
            0x0122 => Self::ClassNotSupported,
            0x0110 => Self::ProcessingFailure,
            0x0112 => Self::NoSuchInstance,
            0xfe00 => Self::Cancelled,
            0xa700..=0xa7ff | 0x0213 => Self::OutOfResources,
            0xa900..=0xa9ff | 0x0119 => Self::Mismatch,
            0xc000..=0xcfff => Self::NotUnderstood,
            0x0105 | 0x0106 | 0x0115 | 0x0117 | 0x0120 | 0x0121 => Self::InvalidDataSet,
            0xb000..=0xbfff => Self::SomeFailed,
            _ => Self::OtherStatus,
        }
    }

    /// What the system said at the bottom of an error, if it was asked.
    pub fn beneath(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut below = Some(error);
        while let Some(error) = below {
            if let Some(found) = error.downcast_ref::<Error>() {
                // One that only wraps another says less than that one.
                let inner = found.get_ref().and_then(|inner| Self::beneath(inner));
                return inner.or_else(|| Self::of_io(found));
            }
            below = error.source();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_its_word() {
        for (status, word) in [
            (0xa700, "outOfResources"),
            (0xa7ab, "outOfResources"),
            (0xa701, "cannotCount"),
            (0xa801, "destinationUnknown"),
            (0xa912, "mismatch"),
            (0xc001, "notUnderstood"),
            (0x0110, "processingFailure"),
            (0x0120, "invalidDataSet"),
            (0xb000, "someFailed"),
            (0x0999, "otherStatus"),
        ] {
            assert_eq!(Cause::of_status(status).as_str(), word, "{status:04x}");
        }
    }

    #[test]
    fn what_the_system_said_is_found_at_the_bottom() {
        let refused = || Error::from(ErrorKind::ConnectionRefused);
        assert_eq!(Cause::of_io(&refused()), Some(Cause::ConnectionRefused));
        assert_eq!(Cause::beneath(&Error::other(refused())), Some(Cause::ConnectionRefused));
        assert_eq!(Cause::of_io(&Error::from_raw_os_error(5)), Some(Cause::Input));
        assert_eq!(Cause::of_io(&Error::from_raw_os_error(28)), Some(Cause::DiskFull));
        assert_eq!(Cause::of_io(&Error::other("something else")), None);
        let number = "x".parse::<u8>().unwrap_err();
        assert_eq!(Cause::beneath(&number), None);
    }
}
