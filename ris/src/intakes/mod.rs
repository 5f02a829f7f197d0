//! Old archives on their way in: imports of files, and migrations from other PACS.

pub mod act;
pub mod list;
pub mod one;

pub use act::{resume, stop};
pub use list::list;
pub use one::one;
