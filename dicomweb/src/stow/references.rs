//! What metadata names among the values that came beside it.

use super::bulk::{Bulk, Part};
use super::coding::Coding;
use super::outcome::{Failure, Reason};
use pacs_core::dataset::{Fragment, Value};
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
    /// The locations of compressed pictures within it, such as icons.
    pub pictures: Vec<String>,
    /// Why it cannot be had, where a value did not come or not as it should.
    pub missing: Option<Failure>,
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
            _ if of.vr == VR::SQ => Err(missing(of.tag, "is a sequence, which comes in the metadata")),
            parts if of.tag == tags::PIXEL_DATA => picture(parts),
            parts => one(parts).map_err(|why| missing(of.tag, why)),
        };
        if let Ok(Value::Fragments(_)) = value
            && named.pictures.last().is_none_or(|last| last != of.uri)
        {
            named.pictures.push(of.uri.to_owned());
        }
        value.map_err(|failure| named.missing.get_or_insert(failure)).ok()
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

/// The one frame of a picture within the data set: the value, or compressed behind an empty offset table.
fn picture(parts: &[Part]) -> Result<Value, Failure> {
    let coding = Coding::of(parts)?;
    match (coding, one(parts).map_err(|why| missing(tags::PIXEL_DATA, why))?) {
        (Coding::Compressed(_) | Coding::Jpeg(_), Value::Elsewhere { offset, length }) => {
            Ok(Value::Fragments(vec![Fragment { offset, length: 0 }, Fragment { offset, length }]))
        }
        (_, value) => Ok(value),
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
