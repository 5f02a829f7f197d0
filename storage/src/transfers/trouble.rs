//! Why a transfer, or an instance of one, does not get on: words that the pages have sentences for, in both languages.

use std::fmt::Display;

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The other side cannot be reached, as it has to be.
    Unreachable,
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
    /// It is not a configured device, or one without an address.
    NoDevice,
    /// It reports a failure.
    Peer,
    /// It does not say that it keeps an instance.
    Uncommitted,
    /// A fault of the archive, which its log tells.
    Internal,
}

impl Trouble {
    /// Everything that may be.
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Rejected,
        Self::Broken,
        Self::NoContext,
        Self::Unreadable,
        Self::Refused,
        Self::Gone,
        Self::NoDevice,
        Self::Peer,
        Self::Uncommitted,
        Self::Internal,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Broken => "broken",
            Self::NoContext => "noContext",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::NoDevice => "noDevice",
            Self::Peer => "peer",
            Self::Uncommitted => "uncommitted",
            Self::Internal => "internal",
        }
    }

    /// The reason as rows keep it: the word, a colon, and details in English.
    pub fn because(self, details: impl Display) -> String {
        format!("{}: {details}", self.as_str())
    }
}
