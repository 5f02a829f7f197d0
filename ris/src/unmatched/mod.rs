//! Images that wait for somebody to say where they belong.

pub mod exams;
pub mod link;
pub mod list;
pub mod unlink;

pub use exams::exams;
pub use link::link;
pub use list::list;
pub use unlink::unlink;
