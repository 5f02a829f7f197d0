//! Where the pixels of one instance lie within its data set.

use std::io::{Read, Seek, SeekFrom};

use pacs_core::dataset::{DataSet, Fragment, Reading, Value};
use pacs_core::pixels::Layout;
use pacs_core::pixels::frames::{self, OffsetTables};
use pacs_core::tags;
use pacs_core::transfer_syntax::TransferSyntax;
use serde::{Deserialize, Serialize};

/// Where pixel data lies. Offsets are in bytes from the start of the encoded data set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PixelIndex {
    /// There is none.
    #[default]
    None,
    /// Frames lie one after the other.
    Native {
        /// Where the value begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// The data set is deflated: the offset counts in the inflated stream.
    Deflated {
        /// Where the value begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// Frames lie in fragments (PS3.5 A.4).
    Encapsulated {
        /// Every fragment as (offset, length) of its content; the first is the basic offset table.
        fragments: Vec<(u64, u64)>,
        /// The fragments of each frame. Empty when no rule tells them apart.
        frames: Vec<Vec<(u64, u64)>>,
    },
}

/// Longest offset table that is read, in bytes: a million frames.
const TABLE_BYTES: u64 = 8 << 20;

impl PixelIndex {
    /// Makes the index of a data set that was read to its end; `source` is that data set, for the
    /// offset tables and first bytes of fragments.
    pub fn of<S: Read + Seek>(reading: &Reading, syntax: &TransferSyntax, source: &mut S) -> Self {
        let Some(place) = &reading.pixel_data else { return Self::None };
        let Some(element) = reading.data_set.get(place.tag) else { return Self::None };
        let offset = place.value_offset;
        match &element.value {
            Value::Fragments(fragments) => Self::encapsulated(&reading.data_set, fragments, source),
            Value::Bytes(bytes) => Self::native(offset, bytes.len() as u64, syntax),
            Value::Elsewhere { offset, length } => Self::native(*offset, *length, syntax),
            Value::Items(_) => Self::None,
        }
    }

    /// The index of pixel data that is not encapsulated.
    pub fn native(offset: u64, length: u64, syntax: &TransferSyntax) -> Self {
        if syntax.deflated { Self::Deflated { offset, length } } else { Self::Native { offset, length } }
    }

    fn encapsulated<S: Read + Seek>(set: &DataSet, fragments: &[Fragment], source: &mut S) -> Self {
        let pair = |fragment: &Fragment| (fragment.offset, fragment.length);
        let all = fragments.iter().map(pair).collect();
        let Some((table, content)) = fragments.split_first() else {
            return Self::Encapsulated { fragments: all, frames: Vec::new() };
        };
        let basic = read_at(source, table.offset, table.length);
        let basic: Vec<u32> = basic.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let extended = long_table(set, tags::EXTENDED_OFFSET_TABLE, source);
        let extended_lengths = long_table(set, tags::EXTENDED_OFFSET_TABLE_LENGTHS, source);
        let tables = OffsetTables { basic: &basic, extended: &extended, extended_lengths: &extended_lengths };
        let count = Layout::from(set).map_or(1, |layout| layout.frames);
        let starts = |fragment: &Fragment| {
            frames::starts_image(&read_at(source, fragment.offset, fragment.length.min(16)))
        };
        let frames = frames::encapsulated(content, count, tables, starts).unwrap_or_default();
        let frames = frames.iter().map(|frame| frame.iter().map(pair).collect()).collect();
        Self::Encapsulated { fragments: all, frames }
    }

    /// About how many bytes it takes in memory.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Encapsulated { fragments, frames } => {
                let listed: usize = frames.iter().map(Vec::len).sum();
                64 + 16 * (fragments.len() + listed) + 24 * frames.len()
            }
            _ => 32,
        }
    }
}

/// An element of 64-bit numbers (PS3.3 C.7.6.3.1.8), wherever its value lies.
fn long_table<S: Read + Seek>(set: &DataSet, tag: pacs_core::Tag, source: &mut S) -> Vec<u64> {
    let bytes = match set.get(tag).map(|element| &element.value) {
        Some(Value::Bytes(bytes)) => bytes.to_vec(),
        Some(Value::Elsewhere { offset, length }) => read_at(source, *offset, *length),
        _ => Vec::new(),
    };
    bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

/// Bytes of the source, fewer when they cannot be read: a table that is not whole fits nothing and
/// is passed over.
fn read_at<S: Read + Seek>(source: &mut S, offset: u64, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if length <= TABLE_BYTES && source.seek(SeekFrom::Start(offset)).is_ok() {
        let read = source.take(length).read_to_end(&mut bytes);
        if read.is_err() {
            bytes.clear();
        }
    }
    bytes
}
