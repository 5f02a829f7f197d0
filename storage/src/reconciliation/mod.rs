//! What does not go together: one list, and the acts that answer it.
//!
//! Images are never refused for it. What arrives is stored and flagged (`index::arrivals`); here people
//! say which of two things is true, each time with an act that can be taken back.

mod acts;
mod alike;
mod contents;
mod difference;
mod list;
mod parting;
mod saying;
mod undo;

pub(crate) use acts::again;
pub(crate) use alike::Alike;
pub use contents::Contents;
pub use difference::{Content, Difference, Line};
pub use list::{Answered, Discrepancy, List, Other, Page, State, list};

use crate::database::Param;

/// Row of a discrepancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct DiscrepancyId(pub i64);

impl From<DiscrepancyId> for Param {
    fn from(id: DiscrepancyId) -> Self {
        Self::from(id.0)
    }
}
