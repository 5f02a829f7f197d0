//! The door that viewers and programs use: DICOMweb (PS3.18) over the archive.
//!
//! [`router`] is the table of contents: QIDO-RS finds, WADO-RS and WADO-URI retrieve, STOW-RS stores, and what is wrong
//! is rejected or deleted. Whoever mounts it puts a [`pacs_core::access::Actor`] into the extensions of each request;
//! without one the answer is 401.

mod accept;
mod ahead;
mod answer;
mod base_url;
mod caller;
mod capabilities;
mod coding;
mod content;
mod description;
mod error;
mod media;
pub mod multipart;
mod outgoing;
mod pieces;
mod pixel_pool;
mod qido;
mod query_string;
mod range;
mod removal;
mod representation;
mod resource;
mod router;
mod state;
mod stow;
mod telemetry;
mod ups;
mod validators;
mod wado;
mod wish;
mod xml;

pub use accept::Accept;
pub use ahead::Ahead;
pub use description::description;
pub use error::Error;
pub use router::router;
pub use state::State;
