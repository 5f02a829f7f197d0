//! Devices: who may push and query, where images can be sent, and why an association failed.

pub mod change;
mod dealings;
pub mod echo;
mod form;
pub mod list;

pub use change::{add, change, forget_failures, remove};
pub use echo::{begin_echo, echo};
pub use list::list;
