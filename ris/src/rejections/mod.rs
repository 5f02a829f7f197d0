//! Images that nobody is shown: rejected for a reason, listed, and shown again.

pub mod list;
pub mod of_study;
pub mod reject;
pub mod restore;
mod wire;

pub use list::list;
pub use of_study::of_study;
pub use reject::reject;
pub use restore::restore;
pub(crate) use wire::code_of;
