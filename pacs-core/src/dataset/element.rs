//! One element of a data set.

use bytes::Bytes;

use super::DataSet;
use crate::{Tag, VR};

/// A data element (PS3.5 7.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Group and element number.
    pub tag: Tag,
    /// Value representation: as read when the encoding is explicit, else from the dictionary.
    pub vr: VR,
    /// The value field.
    pub value: Value,
}

impl Element {
    /// An element whose value is these bytes: little endian, text in the set's character set.
    pub fn new(tag: Tag, vr: VR, bytes: impl Into<Bytes>) -> Self {
        Self { tag, vr, value: Value::Bytes(bytes.into()) }
    }

    /// The value field, when it is held.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether the element has no value at all (PS3.5 7.4.1, type 2).
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Items(items) => items.is_empty(),
            Value::Elsewhere { length, .. } => *length == 0,
            Value::Fragments(fragments) => fragments.is_empty(),
        }
    }
}

/// A value field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The bytes of the field, padding included: numbers always little endian, text in the
    /// character set of the data set.
    Bytes(Bytes),
    /// The items of a sequence.
    Items(Vec<DataSet>),
    /// A value that was too large to hold; its bytes are as encoded (big endian stays big endian).
    /// With VR SQ: a sequence that went beyond the limits, as encoded from its first item on.
    Elsewhere {
        /// Where the value begins, in bytes from the start of the encoded data set (for a deflated
        /// one: of the inflated stream).
        offset: u64,
        /// Bytes that are there, which is less than declared when the source was truncated.
        length: u64,
    },
    /// Encapsulated pixel data (PS3.5 A.4). The first fragment is the basic offset table.
    Fragments(Vec<Fragment>),
}

/// Where the content of one fragment lies, in bytes from the start of the encoded data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Where the content begins, after the item's header.
    pub offset: u64,
    /// Its length.
    pub length: u64,
}
