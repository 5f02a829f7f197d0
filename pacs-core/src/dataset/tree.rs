//! The data set: elements in the order of their tags.

use super::{Element, Value};
use crate::text::CharacterSet;
use crate::{Tag, VR, tags};

/// A data set or an item of a sequence: elements ordered by tag, each tag once, and the character
/// set that its text is in.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    elements: Vec<Element>,
    character_set: CharacterSet,
}

impl Default for DataSet {
    fn default() -> Self {
        Self::new()
    }
}

impl DataSet {
    /// An empty data set whose text will be UTF-8. Specific Character Set (0008,0005) appears with
    /// the first text that is not ASCII.
    pub fn new() -> Self {
        Self { elements: Vec::new(), character_set: CharacterSet::UTF_8 }
    }

    /// An empty data set in the character set of another, to take elements from it.
    pub fn like(other: &Self) -> Self {
        Self { elements: Vec::new(), character_set: other.character_set }
    }

    /// Makes a data set of elements in any order; of several with one tag the last counts.
    pub(crate) fn from_elements(mut elements: Vec<Element>, character_set: CharacterSet) -> Self {
        if !elements.is_sorted_by(|one, next| one.tag < next.tag) {
            elements.reverse();
            elements.sort_by_key(|element| element.tag);
            elements.dedup_by_key(|element| element.tag);
        }
        Self { elements, character_set }
    }

    /// Makes a data set of elements that are in order, each tag once.
    pub(super) fn from_sorted(elements: Vec<Element>, character_set: CharacterSet) -> Self {
        Self { elements, character_set }
    }

    /// The character set of the text.
    pub fn character_set(&self) -> CharacterSet {
        self.character_set
    }

    pub(super) fn set_character_set(&mut self, character_set: CharacterSet) {
        self.character_set = character_set;
    }

    /// The element with this tag.
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.position(tag).ok().and_then(|at| self.elements.get(at))
    }

    /// All elements, in the order of their tags.
    pub fn iter(&self) -> std::slice::Iter<'_, Element> {
        self.elements.iter()
    }

    /// Puts an element in its place; one with the same tag is replaced. Putting Specific Character
    /// Set (0008,0005) changes how text is read and written from then on, not the text already
    /// there ([`DataSet::encode_text_in`] does that).
    pub fn put(&mut self, element: Element) {
        if element.tag == tags::SPECIFIC_CHARACTER_SET
            && let Some(bytes) = element.bytes()
        {
            self.character_set = CharacterSet::parse(&String::from_utf8_lossy(bytes));
        }
        // Data sets are mostly built in order.
        if self.elements.last().is_none_or(|last| last.tag < element.tag) {
            self.elements.push(element);
            return;
        }
        match self.position(element.tag) {
            Ok(at) => {
                if let Some(place) = self.elements.get_mut(at) {
                    *place = element;
                }
            }
            Err(at) => self.elements.insert(at, element),
        }
    }

    /// Takes the element with this tag out.
    pub fn remove(&mut self, tag: Tag) -> Option<Element> {
        let at = self.position(tag).ok()?;
        Some(self.elements.remove(at))
    }

    /// Keeps the elements for which `keep` answers yes.
    pub fn retain(&mut self, keep: impl FnMut(&Element) -> bool) {
        self.elements.retain(keep);
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// How many elements there are, items of sequences not counted.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether the tag is present, with or without a value.
    pub fn contains(&self, tag: Tag) -> bool {
        self.position(tag).is_ok()
    }

    /// The items of a sequence; none when it is absent, empty, not held or no sequence.
    pub fn items(&self, tag: Tag) -> &[DataSet] {
        match self.get(tag) {
            Some(Element { value: Value::Items(items), .. }) => items,
            _ => &[],
        }
    }

    /// The VR of the element, when there is one.
    pub fn vr(&self, tag: Tag) -> Option<VR> {
        self.get(tag).map(|element| element.vr)
    }

    fn position(&self, tag: Tag) -> Result<usize, usize> {
        self.elements.binary_search_by_key(&tag, |element| element.tag)
    }
}

impl<'a> IntoIterator for &'a DataSet {
    type Item = &'a Element;
    type IntoIter = std::slice::Iter<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for DataSet {
    type Item = Element;
    type IntoIter = std::vec::IntoIter<Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

impl FromIterator<Element> for DataSet {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        let mut set = Self::new();
        for element in elements {
            set.put(element);
        }
        set
    }
}
