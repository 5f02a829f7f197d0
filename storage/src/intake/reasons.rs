//! Why an intake waits, and why something of it was not taken: words that the pages have sentences for, in both
//! languages.

use std::fmt::Display;

use pacs_core::ingest::RefusalKind;
use pacs_core::why::{Cause, Why};

use crate::error::Error;
use crate::pace::Hours;

/// Why an intake waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// It is not one of its hours; `hours`.
    Hours,
    /// A folder, file or medium is not there, or cannot be read; `path`.
    Missing,
    /// The archive takes nothing in just now, or cannot tell how far it is.
    Archive,
    /// The other PACS cannot be reached; as all that follow, it is tried again in `seconds`.
    Unreachable,
    /// The other PACS rejects the association.
    Rejected,
    /// The association ended in the middle.
    Broken,
    /// The other PACS does not offer study root C-FIND and C-MOVE.
    NoContext,
    /// The answer of the other PACS cannot be read.
    Unreadable,
    /// The other PACS is not a configured device; `ae`.
    NoDevice,
    /// It is one without an address; `ae`.
    NoAddress,
    /// It requires TLS, and there is no certificate here; `ae`.
    NoCertificate,
    /// This archive has no AE title.
    NoTitle,
    /// Another version of the program has begun it.
    OtherVersion,
}

impl Waiting {
    /// Everything that may be.
    pub const ALL: [Self; 13] = [
        Self::Hours,
        Self::Missing,
        Self::Archive,
        Self::Unreachable,
        Self::Rejected,
        Self::Broken,
        Self::NoContext,
        Self::Unreadable,
        Self::NoDevice,
        Self::NoAddress,
        Self::NoCertificate,
        Self::NoTitle,
        Self::OtherVersion,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Missing => "missing",
            Self::Archive => "archive",
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Broken => "broken",
            Self::NoContext => "noContext",
            Self::Unreadable => "unreadable",
            Self::NoDevice => "noDevice",
            Self::NoAddress => "noAddress",
            Self::NoCertificate => "noCertificate",
            Self::NoTitle => "noTitle",
            Self::OtherVersion => "otherVersion",
        }
    }

    /// The reason, with details in English.
    pub fn because(self, detail: impl Display) -> Why {
        Why::new(self.as_str(), detail)
    }

    /// That it is not one of its hours.
    pub fn of_hours(hours: &Hours) -> Why {
        Self::Hours.because("waits for its hours").with("hours", hours.to_string())
    }

    /// That the archive cannot go on with it.
    pub fn of_error(error: &Error) -> Why {
        Self::Archive.because(error).of(error.cause().unwrap_or(Cause::Internal))
    }
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotTaken {
    /// The table of contents of a medium: the files that it names are taken instead.
    Dicomdir,
    /// Not a DICOM file.
    NotDicom,
    /// The file cannot be read.
    Unreadable,
    /// A link leads back to a folder that it is in.
    Loop,
    /// Not a ZIP file that can be opened.
    BadZip,
    /// A file in a ZIP cannot be unpacked: it is locked by a password, or packed in a way that is not known.
    BadZipEntry,
    /// Cut short or damaged: not a data set.
    Damaged,
    /// It has not the UIDs that it would be kept under.
    NoUids,
    /// A UID of it is none.
    InvalidUid,
    /// Its file meta information is of another instance than its data set.
    Mismatch,
    /// Nested deeper, or of more elements, than is read.
    BeyondLimits,
    /// Larger than there is room for.
    TooLarge,
    /// A fault of the archive, which its log tells.
    Internal,
    /// The other PACS did not list the studies of a day.
    DayRefused,
    /// It listed more of a day than is possible; `most`.
    TooManyStudies,
    /// Fewer instances of a study have come than it counts: `arrived` of `expected`.
    Incomplete,
    /// It did not send a study, and does not say how many instances that has; `arrived`.
    NotSent,
    /// It broke the association off each time that the study was asked for; `tries`.
    BrokenOff,
    /// It listed `count` studies without a Study Instance UID that is one.
    NoStudyUid,
    /// It has `count` studies of a date that was not asked for.
    OtherDate,
}

impl NotTaken {
    /// Everything that may be.
    pub const ALL: [Self; 20] = [
        Self::Dicomdir,
        Self::NotDicom,
        Self::Unreadable,
        Self::Loop,
        Self::BadZip,
        Self::BadZipEntry,
        Self::Damaged,
        Self::NoUids,
        Self::InvalidUid,
        Self::Mismatch,
        Self::BeyondLimits,
        Self::TooLarge,
        Self::Internal,
        Self::DayRefused,
        Self::TooManyStudies,
        Self::Incomplete,
        Self::NotSent,
        Self::BrokenOff,
        Self::NoStudyUid,
        Self::OtherDate,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dicomdir => "dicomdir",
            Self::NotDicom => "notDicom",
            Self::Unreadable => "unreadable",
            Self::Loop => "loop",
            Self::BadZip => "badZip",
            Self::BadZipEntry => "badZipEntry",
            Self::Damaged => "damaged",
            Self::NoUids => "noUids",
            Self::InvalidUid => "invalidUid",
            Self::Mismatch => "mismatch",
            Self::BeyondLimits => "beyondLimits",
            Self::TooLarge => "tooLarge",
            Self::Internal => "internal",
            Self::DayRefused => "dayRefused",
            Self::TooManyStudies => "tooManyStudies",
            Self::Incomplete => "incomplete",
            Self::NotSent => "notSent",
            Self::BrokenOff => "brokenOff",
            Self::NoStudyUid => "noStudyUid",
            Self::OtherDate => "otherDate",
        }
    }

    /// The reason, with details in English.
    pub fn because(self, detail: impl Display) -> Why {
        Why::new(self.as_str(), detail)
    }

    /// That a file could not be read, at once or in the middle.
    pub fn unreadable(error: &std::io::Error) -> Why {
        Self::Unreadable.because(format_args!("cannot be read: {error}")).of(Cause::of_io(error))
    }

    /// Why the archive did not keep an instance.
    pub fn of_error(error: &Error) -> Why {
        let word = match error {
            Error::Refused(refusal) => match refusal.kind {
                RefusalKind::NotADataSet => Self::Damaged,
                RefusalKind::MissingUid => Self::NoUids,
                RefusalKind::InvalidUid => Self::InvalidUid,
                RefusalKind::Mismatch => Self::Mismatch,
                RefusalKind::BeyondLimits => Self::BeyondLimits,
            },
            Error::TooLarge(_) => Self::TooLarge,
            _ => Self::Internal,
        };
        word.because(error).of(error.cause().filter(|cause| *cause != Cause::Internal))
    }
}
