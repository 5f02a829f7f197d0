//! The services, one a file. Each reads what is left of its request, does it, and answers; an error
//! means that the association is at its end.

pub mod echo;
pub mod find;
pub mod get;
mod identifier;
mod keys;
pub mod move_;
mod answer;
mod stored;
pub mod store;
mod suboperations;
pub mod worklist;
