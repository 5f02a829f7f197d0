//! The rows' behaviour, the same on SQLite and PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

#[path = "../support/template.rs"]
mod template;

mod access;
mod arrivals;
mod backends;
mod background;
mod devices;
mod exams;
mod identity;
mod intakes;
mod lanes;
mod looking;
mod notices;
mod paging;
mod patients;
mod performed;
mod queries;
mod rejected;
mod samples;
mod strain;
mod transfers;
mod ups;
mod waiting;
mod worklist;
