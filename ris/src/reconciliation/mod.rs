//! What does not go together.

pub mod answer;
pub mod list;
pub mod reopen;
mod wire;

pub use answer::answer;
pub use list::list;
pub use reopen::reopen;
