//! What several headers say alike.

use std::collections::BTreeSet;

use pacs_core::Tag;
use pacs_core::attributes::excerpt;
use pacs_core::dataset::DataSet;
use pacs_core::{json, tags};

use crate::Result;
use crate::corrections::parse_attributes;

/// Attributes of which all headers so far have the same, or none of them any.
#[derive(Debug, Clone)]
pub(crate) struct Alike {
    first: DataSet,
    tags: BTreeSet<Tag>,
}

impl Alike {
    /// Of one header.
    pub fn of(header: &DataSet, wanted: &[Tag]) -> Result<Self> {
        let mut tags: BTreeSet<Tag> = wanted.iter().copied().collect();
        tags.remove(&tags::SPECIFIC_CHARACTER_SET);
        Ok(Self { first: said(header, wanted)?, tags })
    }

    /// Hears one more header; says whether it agrees in everything that the others agree in.
    pub fn hear(&mut self, header: &DataSet, wanted: &[Tag]) -> Result<bool> {
        let other = said(header, wanted)?;
        let before = self.tags.len();
        let first = &self.first;
        self.tags.retain(|tag| first.get(*tag) == other.get(*tag));
        Ok(self.tags.len() == before)
    }

    /// Leaves an attribute out.
    pub fn leave(&mut self, tag: Tag) {
        self.tags.remove(&tag);
    }

    /// Takes an attribute as the first header has it.
    pub fn follow_first(&mut self, tag: Tag) {
        self.tags.insert(tag);
    }

    /// Makes attributes say what all say alike; answers whether they said something else.
    pub fn lay_over(&self, attributes: &mut DataSet) -> bool {
        let mut changed = false;
        for tag in &self.tags {
            if self.first.get(*tag) == attributes.get(*tag) {
                continue;
            }
            match self.first.get(*tag) {
                Some(element) => attributes.put(element.clone()),
                None => drop(attributes.remove(*tag)),
            }
            changed = true;
        }
        changed
    }
}

/// As rows keep it, so that two headers in two character sets can be the same.
fn said(header: &DataSet, wanted: &[Tag]) -> Result<DataSet> {
    parse_attributes(&json::to_string(&excerpt(header, wanted)))
}
