//! People's work: everything under `/api/v1`, for the pages and for programs.
//!
//! Routes check who asks ([`caller`]), translate JSON into the words of `pacs-core`, and leave rows
//! and rules to `storage`. One route a file; [`router`] is the table of contents, [`error`] the one
//! place that knows HTTP statuses of errors.

mod archives;
mod caller;
mod corrections;
mod dates;
mod devices;
mod error;
mod events;
mod field;
mod intakes;
mod keeping;
mod openapi;
mod orders;
mod paging;
mod patients;
mod performed;
mod queue;
mod reason;
mod reason_form;
mod reconciliation;
mod rejections;
mod request;
mod router;
mod routes;
mod state;
mod studies;
mod system;
mod unmatched;
mod worklist;

pub use error::Error;
pub use openapi::description;
pub use router::router;
pub use state::{State, SystemFacts};

/// What a route answers.
pub(crate) type Result<T> = std::result::Result<T, Error>;
