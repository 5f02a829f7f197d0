//! What may be wrong with what is stored: words that the pages have sentences for, in both languages.

use std::fmt::Display;

use pacs_core::why::Why;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// It is not what was stored.
    Differs,
    /// It is not there.
    Gone,
    /// It cannot be read to its end.
    Unreadable,
    /// What tells where it lies in its pack is gone or damaged.
    Companion,
}

impl Wrong {
    /// Everything that may be.
    pub const ALL: [Self; 4] = [Self::Differs, Self::Gone, Self::Unreadable, Self::Companion];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Gone => "gone",
            Self::Unreadable => "unreadable",
            Self::Companion => "companion",
        }
    }

    /// The reason as rows keep it, with details in English.
    pub(crate) fn because(self, detail: impl Display) -> String {
        Why::new(self.as_str(), detail).to_string()
    }
}
