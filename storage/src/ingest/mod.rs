//! Taking in one instance: from a stream of bytes to *kept*.
//!
//! ```text
//! door -> Incoming::write* -> finish: examine -> spool (one sync) -> rows (batched) -> Stored
//! ```
//!
//! Up to [`MEMORY_BYTES`] an instance waits in memory and is examined, hashed, written and synced
//! in one visit to a blocking thread; a refused one never touches the disk, and the rows of one are
//! written while its bytes are synced. A larger one streams to a leased segment of the spool, and so
//! does one that comes while all of [`memory`] is taken. [`Incoming::finish`] returns once the
//! instance is kept: its bytes are synced and its row is committed. The commit needs no sync of its own, because after
//! a loss of power recovery finds whole entries without rows and makes them again.

mod batch;
mod examine;
mod incoming;
mod memory;
mod syncs;

use std::net::IpAddr;

use bytes::Bytes;
use pacs_core::uid::{AeTitle, Uid};

use crate::index::arrivals::Decision;

pub(crate) use batch::{Pending, RowQueue};
pub(crate) use examine::examine_file;
pub use incoming::Incoming;
pub(crate) use incoming::{Body, Come, new_instance};
pub(crate) use memory::Memory;

pub use crate::spool::entry::Door;

/// Up to this size an instance is held in memory until it is complete, while there is memory.
pub(crate) const MEMORY_BYTES: usize = 1 << 20;

/// What a door knows of an instance before its data set comes.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Transfer syntax of the data set that will come.
    pub transfer_syntax: Uid,
    /// The Part 10 head (preamble and file meta information) as sent. Without one a head is made,
    /// for which `declared_class` and `declared_instance` are needed.
    pub head: Option<Bytes>,
    /// Affected SOP Class UID of the command; compared with the data set.
    pub declared_class: Option<Uid>,
    /// Affected SOP Instance UID of the command; compared with the data set.
    pub declared_instance: Option<Uid>,
    /// The study that the request is limited to; compared with the data set.
    pub declared_study: Option<Uid>,
    /// Who sends.
    pub calling_ae: Option<AeTitle>,
    /// Under which title we were called.
    pub called_ae: Option<AeTitle>,
    /// Address of the sender.
    pub peer: Option<IpAddr>,
    /// The facility of the device or the called AE title; the default one when `None`.
    pub facility: Option<String>,
    /// The door it comes in by.
    pub received_by: Door,
    /// Size of the data set, when it is known before.
    pub expected_bytes: Option<u64>,
}

/// An instance that is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What became of it.
    pub decision: Decision,
    /// Study Instance UID as sent.
    pub study: Uid,
    /// Series Instance UID as sent.
    pub series: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
    /// SOP Class UID.
    pub class: Uid,
}
