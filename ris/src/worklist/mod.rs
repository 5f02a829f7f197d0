//! The day's exams.

pub mod act;
pub mod day;
mod wire;

pub use act::act;
pub use day::day;
pub use wire::WorklistRow;
