//! Acknowledged means kept: through `kill -9` and through loss of power, by the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop there"
)]

#[path = "../support/mod.rs"]
mod support;

mod crash;
mod journal;
mod power_loss;
mod push;
