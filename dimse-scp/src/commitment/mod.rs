//! Reports of storage commitment (PS3.4 J.3.3): on the association that asked while it is open, else on
//! one that is opened for them, again and again until the device has taken it.

mod pending;
mod report;
mod told;
pub(crate) mod worker;

pub(crate) use pending::{LEASE_MS, Pending, Ready};
pub(crate) use report::{Report, instance, report};
pub(crate) use told::Told;
