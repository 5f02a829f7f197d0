//! What the interface of the pages does, asked through its router.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what they did not expect, and say what they left out"
)]

mod api;
mod corrections;
mod queue;
mod reconciliation;
mod rejections;
mod support;
