//! What metadata names among the values that came beside it.

use super::bulk::{Bulk, Part};
use super::outcome::{Failure, Reason};
use pacs_core::dataset::Value;
use pacs_core::json::BulkReference;
use pacs_core::{Tag, VR, tags};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Looks up the values while documents are read.
pub struct References {
    bulk: Arc<Bulk>,
    /// The locations that nothing has named yet.
    unnamed: HashSet<String>,
    /// What was named by each data set of the document at hand, beside values that are in it now.
    named: HashMap<usize, Named>,
}

/// What one data set names.
#[derive(Debug, Default)]
pub struct Named {
    /// VR and location of its pixel data: whether that is one value or frames, the parts tell.
    pub pixels: Option<(VR, String)>,
    /// The first value that it has to do without, and why.
    missing: Option<(Tag, &'static str)>,
}

impl References {
    /// To the values of a request.
    pub fn new(bulk: Arc<Bulk>) -> Self {
        let unnamed = bulk.locations().map(str::to_owned).collect();
        Self { bulk, unnamed, named: HashMap::new() }
    }

    /// The value that is named, where it lies in the file of values.
    pub fn value(&mut self, of: &BulkReference<'_>) -> Option<Value> {
        self.unnamed.remove(of.uri);
        let named = self.named.entry(of.set).or_default();
        if of.tag == tags::PIXEL_DATA && !of.nested {
            named.pixels = Some((of.vr, of.uri.to_owned()));
            return None;
        }
        let value = match self.bulk.named(of.uri) {
            _ if of.vr == VR::SQ => Err("is a sequence, which comes in the metadata"),
            parts => one(parts),
        };
        value.map_err(|why| named.missing.get_or_insert((of.tag, why))).ok()
    }

    /// What a data set of the document names; asked once for each.
    pub fn of_set(&mut self, set: usize) -> Named {
        self.named.remove(&set).unwrap_or_default()
    }

    /// How many locations nothing has named.
    pub fn unnamed(&self) -> usize {
        self.unnamed.len()
    }
}

impl Named {
    /// Refuses a data set that has to do without a value.
    pub fn whole(&self) -> Result<(), Failure> {
        self.missing.map_or(Ok(()), |(tag, why)| Err(missing(tag, why)))
    }
}

/// The value of a tag as the one part that came of it.
pub fn one(parts: &[Part]) -> Result<Value, &'static str> {
    match parts {
        [part] => Ok(Value::Elsewhere {
            offset: part.range.start,
            length: part.range.end.saturating_sub(part.range.start),
        }),
        [] => Err("did not come"),
        _ => Err("came more than once"),
    }
}

/// Why an instance is not taken that has to do without a value.
pub fn missing(tag: Tag, why: &'static str) -> Failure {
    Failure::new(Reason::CannotUnderstand, format!("the value of {tag} {why}"))
}
