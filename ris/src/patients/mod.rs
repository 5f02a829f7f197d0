//! Patients.

pub mod merge;
pub mod numbers;
pub mod record;
pub mod search;
pub mod unmerge;
mod wire;

pub use merge::merge;
pub use record::record;
pub use search::search;
pub use unmerge::unmerge;
pub use wire::Patient;
