//! Objects read, decoded and drawn: the files of others, hand-made ones, damaged ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what they did not expect, and say what they left out"
)]

mod decoding;
mod drawing;
mod files;
mod hand_made;
mod presentation_states;
mod properties;
mod rendering;
