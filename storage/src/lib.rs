//! Where things lie: the bytes of instances (spool, packs, renditions) and the rows that find them.
//!
//! One handle, [`Archive`], opens a database (SQLite or PostgreSQL), an object store (a local
//! folder or S3) and a spool on local disk. Doors hand it instances through [`Archive::begin`] and
//! read them back through places found in the rows.

pub mod accounts;
pub mod acts;
mod archive;
pub mod association_failures;
pub mod audit_log;
pub mod availability;
pub mod backup;
pub mod catalogue;
pub mod commitment;
mod companions;
pub mod config;
pub mod corrections;
pub mod database;
mod deletion;
pub mod devices;
mod dialect;
pub mod error;
pub mod events;
pub mod exams;
mod folders;
mod followers;
pub mod forwarding;
pub mod identity;
pub mod index;
mod ingest;
pub mod intake;
pub mod jobs;
mod journal;
mod key_objects;
mod keyed;
pub mod non_patient;
pub mod notices;
pub mod pace;
mod packs;
pub mod performed;
pub mod priors;
pub mod query;
mod read;
pub mod reconciliation;
mod recovery;
mod reindex;
pub mod rejection;
pub mod remote_queries;
mod renditions;
pub mod routes;
pub mod schedule;
mod settle;
pub mod space;
mod spool;
mod streaming;
mod sweep;
pub mod transfers;
pub mod ups;
pub mod verify;

pub use archive::{Archive, is_open, probe_objects};
pub use config::Config;
pub use error::{Error, Outage, Result};
pub use folders::make_folder;
pub use index::arrivals::{Decision, Version};
pub use index::deletions::Subject;
pub use index::instances::InstancePlace;
pub use ingest::{Door, Envelope, Incoming, Stored};
pub use read::metadata::{Encoding, SeriesMetadata};
pub use read::{
    AsOf, Extracted, FrameBytes, FrameIndex, InstanceReader, PixelPlace, Remembered, bulkdata_path,
};
pub use reindex::ReindexReport;
pub use renditions::{Rendition, RenditionKey};
pub use settle::SettleReport;
pub use streaming::Streaming;
pub use verify::VerifyReport;
