//! The messages of DIMSE (PS3.7): command sets, their fields and statuses.

pub mod command;
pub mod status;

pub use command::{CommandError, CommandField, CommandSet};
pub use status::Status;
