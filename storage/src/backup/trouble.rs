//! Why a backup came to nothing: words that the pages have sentences for, in both languages.

use pacs_core::why::{Cause, Why};

use crate::error::Error;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Its process ended in the middle: it was killed, or the machine lost its power.
    ProcessEnded,
    /// The program was stopped.
    Stopped,
    /// It stood still for too long and has lost its hold on the archive.
    StoodStill,
    /// The place holds the backups of another archive.
    OtherArchive,
    /// Another archive is backing up into the same place.
    TargetBusy,
    /// Another backup has taken the place over.
    TakenOver,
    /// The place of the backups cannot be read or written.
    Target,
    /// Something is away or full: the archive, its object store, or the place of the backups.
    Away,
    /// Rows or lists are damaged.
    Damaged,
    /// A fault of the archive, which its log tells.
    Internal,
}

impl Trouble {
    /// Everything that may be.
    pub const ALL: [Self; 10] = [
        Self::ProcessEnded,
        Self::Stopped,
        Self::StoodStill,
        Self::OtherArchive,
        Self::TargetBusy,
        Self::TakenOver,
        Self::Target,
        Self::Away,
        Self::Damaged,
        Self::Internal,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProcessEnded => "processEnded",
            Self::Stopped => "stopped",
            Self::StoodStill => "stoodStill",
            Self::OtherArchive => "otherArchive",
            Self::TargetBusy => "targetBusy",
            Self::TakenOver => "takenOver",
            Self::Target => "target",
            Self::Away => "away",
            Self::Damaged => "damaged",
            Self::Internal => "internal",
        }
    }

    /// What an error means that ended the copying.
    pub(super) fn of_copying(error: &Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::Away,
            Error::Corrupt(_) => Self::Damaged,
            // Of the lease.
            Error::Conflict(_) => Self::StoodStill,
            Error::NotFound | Error::Refused(_) | Error::TooLarge(_) | Error::Internal { .. } => {
                Self::Internal
            }
        }
    }

    /// What an error means that came of holding the target.
    pub(super) fn of_target(error: &Error, conflict: Self) -> Self {
        match error {
            Error::Conflict(_) => conflict,
            _ => Self::Target,
        }
    }

    /// The reason, with the error in English and what lies underneath.
    pub(super) fn because(self, error: &Error) -> Why {
        let cause = error.cause().filter(|cause| {
            // These say no more than the word does.
            !matches!(
                (self, cause),
                (Self::Internal, Cause::Internal) | (Self::Damaged, _) | (Self::Stopped, _)
            )
        });
        Why::new(self.as_str(), error).of(cause)
    }
}
