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

use std::ops::Range;

use futures::StreamExt;

/// Makes a trial with each seed, two at a time: while one of them waits the other goes on.
async fn two_at_a_time<F>(seeds: Range<u64>, trial: impl Fn(u64) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let trials = futures::stream::iter(seeds).map(|seed| tokio::spawn(trial(seed)));
    trials.buffer_unordered(2).map(Result::unwrap).collect().await
}
