//! Order entry.

pub mod create;
mod draft;
pub mod form;

pub use create::create;
pub use form::form;
