//! Patients.

pub mod search;
mod wire;

pub use search::search;
pub use wire::Patient;
