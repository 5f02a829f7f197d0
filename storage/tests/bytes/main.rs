//! The way of the bytes: one suite of behaviour over every backend, and what crashes, outages and
//! damage may not do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

#[path = "../support/template.rs"]
mod template;

mod arriving;
mod asking;
mod backends;
mod backing_up;
mod backup_trouble;
mod between;
mod committing;
mod correcting;
mod deleting;
mod faults;
mod grounds;
mod moving;
mod moving_again;
mod non_patient;
mod parting;
mod reading;
mod rebuilding;
mod reconciling;
mod recovering;
mod rejecting;
mod rejecting_documents;
mod rejecting_several;
mod routing;
mod samples;
mod saying;
mod settling;
mod unread;
mod verifying;
mod waiting;
