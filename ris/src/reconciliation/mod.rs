//! What does not go together.

pub mod answer;
pub mod difference;
pub mod list;
pub mod reopen;
mod wire;

pub use answer::answer;
pub use difference::difference;
pub use list::list;
pub use reopen::reopen;
