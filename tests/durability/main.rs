//! Acknowledged means kept, by the real program: through `kill -9`, through loss of power, and
//! however large the instance is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod crash;
mod journal;
mod large;
mod power_loss;
mod push;
