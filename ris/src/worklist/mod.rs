//! The day's exams.

pub mod act;
pub mod day;
pub mod undo;
mod wire;

pub use act::act;
pub use day::day;
pub use undo::undo;
pub use wire::WorklistRow;
