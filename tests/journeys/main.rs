//! Journeys through the started program with foreign clients: what a hospital does with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a journey that cannot go on should stop there"
)]

#[path = "../support/mod.rs"]
mod support;

mod archives;
mod attacks;
mod backup;
mod commands;
mod configured;
mod corrections;
mod crowd;
mod curl;
mod demo;
mod described;
mod dicom_tls;
mod hostile;
mod import;
mod interop;
mod life;
mod malformed;
mod migrate;
mod modality;
mod names;
mod ohif;
mod orders;
mod orthanc;
mod push;
mod python;
mod queue;
mod removal;
mod retrieve;
mod samples;
mod services;
mod sign_in;
mod slow;
mod space;
mod steps;
mod streams;
mod texts;
mod tls;
mod told;
mod ups;
mod words;
