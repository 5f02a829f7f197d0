//! What the steps of a filtered subscription have to be.

use pacs_core::Tag;
use pacs_core::dataset::{tag_of, vr_of};
use pacs_core::query::{Level, Query, QueryError};

use crate::Error;

/// The keys of a filtered subscription, as a search would have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Attributes, by their path, with values.
    pub keys: Vec<(Vec<Tag>, String)>,
    /// Whether the words of a name may be beginnings of words.
    pub fuzzy: bool,
}

impl Filter {
    /// The search for the steps that fit; fails with what is no value of its attribute.
    pub fn query(&self) -> Result<Query, QueryError> {
        let mut query = Query { fuzzy: self.fuzzy, ..Query::new(Level::Study) };
        for (path, value) in &self.keys {
            if let Some(tag) = path.last() {
                query.add(path, vr_of(*tag), value)?;
            }
        }
        Ok(query)
    }

    /// As its row has it.
    pub(super) fn to_text(&self) -> String {
        let digits = |tag: &Tag| format!("{:04X}{:04X}", tag.0, tag.1);
        let path = |path: &[Tag]| path.iter().map(digits).collect::<Vec<_>>().join(".");
        let keys: Vec<_> = self.keys.iter().map(|(of, value)| (path(of), value)).collect();
        serde_json::to_string(&keys).unwrap_or_default()
    }

    /// Reads what [`Filter::to_text`] wrote.
    pub(super) fn parse(text: &str, fuzzy: bool) -> crate::Result<Self> {
        let keys: Vec<(String, String)> =
            serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("a filter: {error}")))?;
        let path = |text: String| text.split('.').map(tag_of).collect::<Option<Vec<Tag>>>();
        let keys = keys.into_iter().map(|(of, value)| Some((path(of)?, value))).collect::<Option<_>>();
        let keys = keys.ok_or_else(|| Error::Corrupt("a filter by an attribute that is none".into()))?;
        Ok(Self { keys, fuzzy })
    }
}
