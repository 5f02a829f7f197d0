//! How an association is refused or cut off (PS3.8 9.3.4 and 9.3.8).

/// Why an association request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Permanent, by the service user, no reason given.
    #[error("no reason given")]
    Unspecified,
    /// Permanent: the application context is not DICOM's.
    #[error("application context name not supported")]
    ApplicationContext,
    /// Permanent: the calling AE title is not known here.
    #[error("calling AE title not recognized")]
    CallingAe,
    /// Permanent: no application entity has the called AE title.
    #[error("called AE title not recognized")]
    CalledAe,
    /// Permanent, by the provider's part for associations, no reason given: the user that is named is not one
    /// (PS3.7 D.3.3.7).
    #[error("user identity not accepted")]
    UserIdentity,
    /// Permanent, by the provider: protocol version 1 is not among those proposed.
    #[error("protocol version not supported")]
    ProtocolVersion,
    /// Transient: busy, try again later.
    #[error("temporary congestion")]
    Congestion,
    /// Transient: as many associations as may be are open.
    #[error("local limit exceeded")]
    LimitExceeded,
    /// A combination of result, source and reason that the standard does not name.
    #[error("rejected with result {0}, source {1}, reason {2}")]
    Other(u8, u8, u8),
}

impl Rejection {
    /// Result, source and reason (PS3.8 table 9-21).
    pub fn codes(self) -> (u8, u8, u8) {
        match self {
            Self::Unspecified => (1, 1, 1),
            Self::ApplicationContext => (1, 1, 2),
            Self::CallingAe => (1, 1, 3),
            Self::CalledAe => (1, 1, 7),
            Self::UserIdentity => (1, 2, 1),
            Self::ProtocolVersion => (1, 2, 2),
            Self::Congestion => (2, 3, 1),
            Self::LimitExceeded => (2, 3, 2),
            Self::Other(result, source, reason) => (result, source, reason),
        }
    }

    /// The rejection that three codes stand for, whether a peer calls it permanent or transient.
    pub fn from_codes(result: u8, source: u8, reason: u8) -> Self {
        match (source, reason) {
            (1, 1) => Self::Unspecified,
            (1, 2) => Self::ApplicationContext,
            (1, 3) => Self::CallingAe,
            (1, 7) => Self::CalledAe,
            (2, 1) => Self::UserIdentity,
            (2, 2) => Self::ProtocolVersion,
            (3, 1) => Self::Congestion,
            (3, 2) => Self::LimitExceeded,
            _ => Self::Other(result, source, reason),
        }
    }

    /// A word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::ApplicationContext => "application-context",
            Self::CallingAe => "calling-ae",
            Self::CalledAe => "called-ae",
            Self::UserIdentity => "user-identity",
            Self::ProtocolVersion => "protocol-version",
            Self::Congestion => "congestion",
            Self::LimitExceeded => "limit-exceeded",
            Self::Other(..) => "other",
        }
    }
}

/// Who aborts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortSource {
    /// The application on the other side of the connection.
    User,
    /// Its protocol machine, which met something it could not take.
    Provider,
}

/// The provider's reasons for an A-ABORT (PS3.8 table 9-26).
pub mod reason {
    /// The PDU type is not known.
    pub const UNRECOGNIZED_PDU: u8 = 1;
    /// The PDU is not allowed in this state.
    pub const UNEXPECTED_PDU: u8 = 2;
    /// A field holds a value that is not allowed.
    pub const INVALID_PARAMETER_VALUE: u8 = 6;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_read_back() {
        for rejection in [
            Rejection::Unspecified,
            Rejection::ApplicationContext,
            Rejection::CallingAe,
            Rejection::CalledAe,
            Rejection::UserIdentity,
            Rejection::ProtocolVersion,
            Rejection::Congestion,
            Rejection::LimitExceeded,
            Rejection::Other(1, 2, 9),
        ] {
            let (result, source, reason) = rejection.codes();
            assert_eq!(Rejection::from_codes(result, source, reason), rejection);
        }
    }
}
