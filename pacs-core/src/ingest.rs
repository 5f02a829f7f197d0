//! Refuse or continue: the only judgement that an arriving instance meets.
//!
//! Demographics never refuse an image. What is refused cannot be kept under any key: it is not a
//! data set, or its UIDs are unusable, or they are not those that the sender announced.

use crate::attributes::Lifted;
use crate::uid::Uid;

/// Why an instance is not taken. The reason is for the sender's screen and log; it names
/// attributes and UIDs, never values that tell of a patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What a door maps to its own status.
    pub kind: RefusalKind,
    /// One sentence a person can act on.
    pub reason: String,
}

/// The kinds of refusal that the doors tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The bytes are not a data set in the transfer syntax that was announced (C-STORE 0xC000).
    NotADataSet,
    /// A UID that is a key is missing or empty (C-STORE 0xA900).
    MissingUid,
    /// A UID that is a key is not a UID (C-STORE 0xA900).
    InvalidUid,
    /// The data set is not the instance, class or study that was announced (C-STORE 0xA900).
    Mismatch,
    /// Its structure goes beyond what the archive is willing to read (C-STORE 0xC000).
    BeyondLimits,
}

impl Refusal {
    /// A refusal of that kind.
    pub fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// What the sender said of the instance before its data set came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// Affected SOP Class UID of the command, or the media storage SOP class of the file meta.
    pub class: Option<Uid>,
    /// Affected SOP Instance UID of the command.
    pub instance: Option<Uid>,
    /// The study that a STOW-RS request is limited to (PS3.18 10.5.1).
    pub study: Option<Uid>,
}

/// Compares what was announced with what came.
pub fn check(announced: &Announced, lifted: &Lifted) -> Result<(), Refusal> {
    let pairs = [
        ("SOP Instance UID", &announced.instance, &lifted.instance.uid),
        ("SOP Class UID", &announced.class, &lifted.instance.class),
        ("Study Instance UID", &announced.study, &lifted.study.uid),
    ];
    for (name, said, sent) in pairs {
        if let Some(said) = said
            && said != sent
        {
            return Err(Refusal::new(
                RefusalKind::Mismatch,
                // An Error Comment has 64 characters: what is wrong comes first.
                format!("{name} differs from the announced one: {sent} instead of {said}"),
            ));
        }
    }
    Ok(())
}
