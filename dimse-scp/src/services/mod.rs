//! The services, one a file. Each reads what is left of its request, does it, and answers; an error
//! means that the association is at its end.

mod answer;
mod codecs;
pub mod commit;
mod crew;
mod data_set;
mod deflate;
pub mod echo;
pub mod find;
pub mod get;
mod identifier;
mod keys;
pub mod move_;
pub mod mpps;
mod n_get;
pub mod non_patient;
pub mod sender;
pub mod store;
pub mod stored;
mod suboperations;
mod transcoded;
pub mod ups;
mod wanted;
mod without_bulk;
pub mod worklist;

pub(crate) use codecs::Codecs;
pub(crate) use transcoded::Transcoder;
#[cfg(test)]
pub(crate) use transcoded::{TARGETS, Target};
