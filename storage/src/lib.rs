//! Where things lie: the bytes of instances (spool, packs, renditions) and the rows that find them.
//!
//! One handle, [`Archive`], opens a database (SQLite or PostgreSQL), an object store (a local
//! folder or S3) and a spool on local disk. Doors hand it instances through [`Archive::begin`] and
//! read them back through places found in the rows.

pub mod config;
pub mod acts;
pub mod database;
mod dialect;
pub mod events;
pub mod exams;
pub mod index;
pub mod error;
mod spool;

pub use config::Config;
pub use error::{Error, Result};
