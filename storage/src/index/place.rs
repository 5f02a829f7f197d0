//! Where an instance's bytes lie.

use super::{NonPatientId, PackId, SegmentId};
use crate::database::{Param, Row};
use crate::{Error, Result};

/// A Part 10 file within a segment of the spool or a pack of the object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file that holds it.
    pub kept: Kept,
    /// Of the Part 10 file's first byte, within that file.
    pub offset_bytes: u64,
    /// Of the whole Part 10 file.
    pub length_bytes: u64,
    /// Of its preamble and file meta information: the data set begins after them.
    pub head_bytes: u64,
}

/// The file that holds an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// A segment of the spool on the node's own disk.
    Segment(SegmentId),
    /// A pack in the object store.
    Pack(PackId),
    /// An object of its own in the object store, of what is of no patient. No row of an instance names one.
    Apart(NonPatientId),
}

/// The columns of a place, in the order of [`Place::params`].
pub(crate) const COLUMNS: &str = "segment_id, pack_id, offset_bytes, length_bytes, head_bytes";

impl Place {
    /// The values of [`COLUMNS`].
    pub(crate) fn params(&self) -> [Param; 5] {
        let (segment, pack) = match self.kept {
            Kept::Segment(id) => (Some(id.0), None),
            Kept::Pack(id) => (None, Some(id.0)),
            Kept::Apart(_) => (None, None),
        };
        let bytes = |count: u64| Param::from(i64::try_from(count).unwrap_or(i64::MAX));
        [
            segment.into(),
            pack.into(),
            bytes(self.offset_bytes),
            bytes(self.length_bytes),
            bytes(self.head_bytes),
        ]
    }

    /// Reads [`COLUMNS`] from a row.
    pub(crate) fn of(row: &Row) -> Result<Self> {
        let kept = match (row.get::<Option<i64>>("segment_id")?, row.get::<Option<i64>>("pack_id")?) {
            (Some(segment), None) => Kept::Segment(SegmentId(segment)),
            (None, Some(pack)) => Kept::Pack(PackId(pack)),
            _ => return Err(Error::Corrupt("an instance row has no place or two".into())),
        };
        let bytes = |name: &str| -> Result<u64> {
            u64::try_from(row.get::<i64>(name)?).map_err(|_| Error::Corrupt(format!("{name} is negative")))
        };
        Ok(Self {
            kept,
            offset_bytes: bytes("offset_bytes")?,
            length_bytes: bytes("length_bytes")?,
            head_bytes: bytes("head_bytes")?,
        })
    }
}
