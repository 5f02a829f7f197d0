//! Routes: which images go to which device by themselves.

pub mod edit;
pub mod list;
mod wire;

pub use edit::{add, enable, put, remove};
pub use list::list;
