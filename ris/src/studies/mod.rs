//! Studies as lists show them.

pub mod one;
pub mod search;
mod wire;

pub use one::one;
pub use search::{newest, search};
pub use wire::Study;
