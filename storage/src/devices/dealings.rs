//! What is done for devices, and asked of them, without their asking.

use crate::Result;
use crate::database::Row;

/// What this side does for a device and asks of it without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dealings {
    /// Associations at a time by which queued images are sent to it.
    pub send_limit: u8,
    /// How images are pulled from it.
    pub retrieve_by: RetrieveBy,
    /// Whether it is asked for a patient's earlier studies when an exam is ordered.
    pub is_archive: bool,
    /// Whether it is asked, after images were sent, if it keeps them (storage commitment).
    pub asks_commitment: bool,
    /// Whether what modalities report of their work (MPPS) is forwarded to it.
    pub takes_performed_steps: bool,
    /// Whether it is told which images are available (PS3.4 R).
    pub takes_availability: bool,
}

impl Default for Dealings {
    fn default() -> Self {
        Self {
            send_limit: 1,
            retrieve_by: RetrieveBy::Move,
            is_archive: false,
            asks_commitment: false,
            takes_performed_steps: false,
            takes_availability: false,
        }
    }
}

/// By which service images are pulled from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrieveBy {
    /// C-MOVE: it opens an association to this side, and so has to know its address.
    Move,
    /// C-GET: they come over the association that asks for them.
    Get,
}

impl RetrieveBy {
    /// The word of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Get => "get",
        }
    }

    /// The service of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Move, Self::Get].into_iter().find(|service| service.as_str() == word)
    }
}

impl Dealings {
    /// From a row of devices.
    pub(super) fn read(row: &Row) -> Result<Self> {
        let send_limit: Option<i64> = row.get("send_limit")?;
        let retrieve_by: Option<String> = row.get("retrieve_by")?;
        Ok(Self {
            send_limit: send_limit.and_then(|limit| u8::try_from(limit).ok()).unwrap_or(1).max(1),
            retrieve_by: retrieve_by.as_deref().and_then(RetrieveBy::parse).unwrap_or(RetrieveBy::Move),
            is_archive: row.flag("is_archive")?,
            asks_commitment: row.flag("asks_commitment")?,
            takes_performed_steps: row.flag("takes_performed_steps")?,
            takes_availability: row.flag("takes_availability")?,
        })
    }
}
