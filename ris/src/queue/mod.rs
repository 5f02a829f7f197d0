//! The queue of what goes to other application entities and comes from them.

pub mod act;
pub mod failures;
pub mod list;
pub mod notices;
pub mod send;
mod wire;

pub use act::{cancel, prioritise, retry};
pub use failures::failures;
pub use list::list;
pub use send::{resend, send};
pub use wire::Queued;
