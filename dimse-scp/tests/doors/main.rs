//! What the door of DIMSE does, through associations with our own and with foreign programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what they did not expect, and say what they left out"
)]

mod admission;
mod association;
mod commit;
mod dcmtk;
mod find;
mod frames;
mod hostile;
mod identity;
mod matching;
mod migration;
mod moving;
mod mpps;
mod non_patient;
mod queue_pull;
mod queue_send;
mod queue_silent;
mod queue_told;
mod retrieve;
mod returned;
mod roots;
mod store;
mod support;
mod tls;
mod transcode;
mod ups;
mod ups_told;
mod worklist;
