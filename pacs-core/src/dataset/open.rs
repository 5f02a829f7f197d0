//! What is open while a data set is walked: the data set itself, sequences, items and encapsulated
//! values, one inside the other.

use super::header::Encoding;
use super::{DataSet, Element, Fragment};
use crate::text::CharacterSet;
use crate::{Tag, VR};

/// One level of the nesting.
#[derive(Debug)]
pub(super) enum Open {
    /// The data set or an item.
    Set(OpenSet),
    Sequence(OpenSequence),
    Fragments(OpenFragments),
}

/// A data set or an item whose elements are being read.
#[derive(Debug)]
pub(super) struct OpenSet {
    pub elements: Vec<Element>,
    pub character_set: CharacterSet,
    pub encoding: Encoding,
    /// What Pixel Representation said, here or further out.
    pub signed: bool,
    /// Where it ends, when that was declared.
    pub end: Option<u64>,
    /// The least end of this and everything around it; `u64::MAX` when none is known.
    pub bound: u64,
    /// Whether the first element has yet to show what the encoding really is.
    pub fresh: bool,
}

impl OpenSet {
    pub(super) fn new(
        encoding: Encoding,
        character_set: CharacterSet,
        signed: bool,
        end: Option<u64>,
        bound: u64,
    ) -> Self {
        Self { elements: Vec::new(), character_set, encoding, signed, end, bound, fresh: true }
    }

    pub(super) fn put(&mut self, element: Element) {
        self.elements.push(element);
    }

    /// The finished data set.
    pub(super) fn close(self) -> DataSet {
        DataSet::from_elements(self.elements, self.character_set)
    }
}

/// A sequence whose items are being read.
#[derive(Debug)]
pub(super) struct OpenSequence {
    pub tag: Tag,
    /// Where its header begins.
    pub at: u64,
    /// Where its first item begins.
    pub start: u64,
    pub end: Option<u64>,
    pub bound: u64,
    /// How its items are encoded.
    pub encoding: Encoding,
    pub items: Vec<DataSet>,
    /// What the items inherit.
    pub character_set: CharacterSet,
    pub signed: bool,
    /// What was retained before its first item, to return to should it not be held.
    pub retained_before: usize,
}

/// An encapsulated value whose fragments are being listed.
#[derive(Debug)]
pub(super) struct OpenFragments {
    pub tag: Tag,
    pub vr: VR,
    pub at: u64,
    pub bound: u64,
    pub fragments: Vec<Fragment>,
}
