//! The DICOM upper layer protocol's data units (PS3.8 9.3), encoded and decoded without a socket.
//!
//! Everything here is a pure function over bytes, or, for [`stream::Decoder`], a state machine that
//! is fed bytes as they arrive. Every length a peer declares is checked against the bytes that are
//! really there; nothing is allocated because a peer announced it. Items the standard may add later
//! are skipped, as PS3.8 9.3.1 asks.

pub mod associate;
mod decode;
pub mod encode;
mod fields;
pub mod refusal;
pub mod stream;

pub use associate::{AssociateAc, AssociateRq};
pub use refusal::{AbortSource, Rejection};

/// Bytes of a PDU before its variable field: type, one reserved byte, length.
pub const HEADER_BYTES: usize = 6;

/// Bytes of a presentation data value item before its fragment: length, context id, control header.
pub const PDV_HEADER_BYTES: usize = 6;

/// The longest A-ASSOCIATE-RQ or -AC that is read. A request of 128 presentation contexts with 60
/// of the standard's transfer syntaxes each stays under it, and all connections that may wait at a
/// time can fill it without harm.
pub const MAX_ASSOCIATE_BYTES: u32 = 256 * 1024;

/// The name of the DICOM application context (PS3.7 A.2.1).
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// PDU types (PS3.8 table 9-11 and following).
pub(crate) mod kind {
    pub const ASSOCIATE_RQ: u8 = 0x01;
    pub const ASSOCIATE_AC: u8 = 0x02;
    pub const ASSOCIATE_RJ: u8 = 0x03;
    pub const DATA: u8 = 0x04;
    pub const RELEASE_RQ: u8 = 0x05;
    pub const RELEASE_RP: u8 = 0x06;
    pub const ABORT: u8 = 0x07;
}

/// Item types inside A-ASSOCIATE PDUs (PS3.8 9.3.2, PS3.7 D.3.3).
pub(crate) mod item {
    pub const APPLICATION_CONTEXT: u8 = 0x10;
    pub const PRESENTATION_CONTEXT_RQ: u8 = 0x20;
    pub const PRESENTATION_CONTEXT_AC: u8 = 0x21;
    pub const ABSTRACT_SYNTAX: u8 = 0x30;
    pub const TRANSFER_SYNTAX: u8 = 0x40;
    pub const USER_INFORMATION: u8 = 0x50;
    pub const MAX_LENGTH: u8 = 0x51;
    pub const IMPLEMENTATION_CLASS: u8 = 0x52;
    pub const ASYNCHRONOUS_OPERATIONS: u8 = 0x53;
    pub const ROLE_SELECTION: u8 = 0x54;
    pub const IMPLEMENTATION_VERSION: u8 = 0x55;
    pub const EXTENDED_NEGOTIATION: u8 = 0x56;
    pub const COMMON_EXTENDED_NEGOTIATION: u8 = 0x57;
    pub const USER_IDENTITY_RQ: u8 = 0x58;
    pub const USER_IDENTITY_AC: u8 = 0x59;
}

/// Bits of a presentation data value's control header (PS3.8 E.2).
pub(crate) mod control {
    pub const COMMAND: u8 = 0x01;
    pub const LAST: u8 = 0x02;
}

/// Why bytes are not a PDU that can be taken. All of them end the association with an A-ABORT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// A field or item ends after the PDU or item that holds it.
    #[error("a field reaches past the end of its item")]
    Truncated,
    /// The PDU's length is over what this side announced or ever reads.
    #[error("a PDU of type {kind:#04x} declares {length} bytes; {limit} are allowed")]
    TooLong {
        /// The PDU type.
        kind: u8,
        /// The length it declares.
        length: u32,
        /// The length that is allowed.
        limit: u32,
    },
    /// No PDU has this type.
    #[error("{0:#04x} is not a PDU type")]
    UnknownType(u8),
    /// A field holds what the standard does not allow there.
    #[error("{0}")]
    Invalid(&'static str),
}

impl PduError {
    /// The provider's reason for the A-ABORT that answers this fault (PS3.8 table 9-26).
    pub fn abort_reason(&self) -> u8 {
        match self {
            Self::UnknownType(_) => refusal::reason::UNRECOGNIZED_PDU,
            Self::Truncated | Self::TooLong { .. } | Self::Invalid(_) => {
                refusal::reason::INVALID_PARAMETER_VALUE
            }
        }
    }
}
