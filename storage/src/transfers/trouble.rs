//! Why a transfer, or an instance of one, does not get on: words that the pages have sentences for, in both languages.

use std::fmt::Display;

use pacs_core::why::Why;

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The other side cannot be reached, as it has to be.
    Unreachable,
    /// The TLS handshake failed.
    Handshake,
    /// It rejects the association.
    Rejected,
    /// The association ended in the middle.
    Broken,
    /// It does not take this kind of object, or no encoding that there is of it.
    NoContext,
    /// What is to be sent, or has come, cannot be read.
    Unreadable,
    /// It refused instances.
    Refused,
    /// The images are no longer there.
    Gone,
    /// The other archive has none of the images.
    GoneThere,
    /// It is not a configured device.
    NoDevice,
    /// It is a device without an address, or this archive has no AE title.
    NoAddress,
    /// It requires TLS, and there is no certificate here.
    NoCertificate,
    /// It reports a failure; `status`.
    Peer,
    /// It did not send the images, and reports nothing.
    NotSent,
    /// It has more series, or instances of one, than can be pulled at once; `most`.
    TooMany,
    /// This archive did not keep what came.
    NotKept,
    /// It does not say that it keeps an instance.
    Uncommitted,
    /// A fault of the archive, which its log tells.
    Internal,
}

impl Trouble {
    /// Everything that may be.
    pub const ALL: [Self; 18] = [
        Self::Unreachable,
        Self::Handshake,
        Self::Rejected,
        Self::Broken,
        Self::NoContext,
        Self::Unreadable,
        Self::Refused,
        Self::Gone,
        Self::GoneThere,
        Self::NoDevice,
        Self::NoAddress,
        Self::NoCertificate,
        Self::Peer,
        Self::NotSent,
        Self::TooMany,
        Self::NotKept,
        Self::Uncommitted,
        Self::Internal,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Handshake => "handshake",
            Self::Rejected => "rejected",
            Self::Broken => "broken",
            Self::NoContext => "noContext",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::GoneThere => "goneThere",
            Self::NoDevice => "noDevice",
            Self::NoAddress => "noAddress",
            Self::NoCertificate => "noCertificate",
            Self::Peer => "peer",
            Self::NotSent => "notSent",
            Self::TooMany => "tooMany",
            Self::NotKept => "notKept",
            Self::Uncommitted => "uncommitted",
            Self::Internal => "internal",
        }
    }

    /// The reason, with details in English.
    pub fn because(self, detail: impl Display) -> Why {
        Why::new(self.as_str(), detail)
    }
}
