//! The door that modalities and other archives use: DICOM messages over associations (PS3.7, PS3.8)
//! for verification, storage, query, retrieve, performed steps, storage commitment, the modality worklist and unified
//! procedure steps (PS3.4 A, B, C, F, J, K, CC).
//!
//! ```text
//! listener -> session (a task an association) -> services -> storage
//!                 |
//!            association (negotiation, reader, writer) -> pdu, dimse (pure)
//! commitment: reports that are owed, delivered by a worker over associations of its own
//! migration: another archive pulled over by C-FIND and C-MOVE, by a worker
//! queue: what is to be sent to other application entities and pulled from them, done by workers
//! scu: associations that this side opens, on the same association layer
//! ```
//!
//! One task serves one association. Tasks share nothing but the archive and the count of
//! associations, so a peer that stalls, drips or lies disturbs nobody else.

mod arrivals;
pub mod association;
mod audit;
mod caller;
mod cause;
mod commitment;
pub mod config;
#[cfg(test)]
mod conformance;
pub mod dimse;
mod echo;
mod error;
mod failures;
mod limits;
mod link;
mod listener;
mod migration;
pub mod pdu;
mod queue;
pub mod refused;
pub mod scu;
mod seen;
mod services;
mod session;
pub mod sop_class;
mod tally;
pub mod tls;
mod user;
mod waiting;

pub use config::{Config, NamedUser, Timeouts, UnknownAe, UserVerdict, Users};
pub use listener::Server;
