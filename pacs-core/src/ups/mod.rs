//! Unified procedure steps, the items of work that programs give each other (PS3.4 CC): their states
//! and moves, what their data sets have to hold, and what is told of them.

pub mod change;
pub mod create;
pub mod finish;
pub mod report;
mod rules;
pub mod state;

pub use rules::Refusal;
