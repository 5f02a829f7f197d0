//! What is queued for other application entities (`storage::jobs`), done by workers over associations that
//! they open. Every device has a lane of its own for each kind of work: one that is away or slow holds up
//! nobody else.

mod commitment;
mod fetch;
mod forward;
mod lease;
mod listed;
mod notify;
mod peer;
mod priors;
mod pull;
mod query;
mod send;
mod step_report;
mod work;
mod worker;

pub(crate) use peer::reason;
pub(crate) use work::failed;
pub(crate) use worker::run;
