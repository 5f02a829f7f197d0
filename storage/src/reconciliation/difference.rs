//! How two contents of one instance differ, for whoever has to say which of them is served.

use std::collections::BTreeSet;

use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, Value};
use pacs_core::reconciliation::Kind;
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR};

use super::DiscrepancyId;
use super::list::kind;
use crate::Archive;
use crate::database::params;
use crate::error::{Error, Result};
use crate::index::instances::{self, InstancePlace, push_scope};

/// The first and the newest content of an instance.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The first instance of the series that has several contents.
    pub instance: Uid,
    /// Code of the facility that made it.
    pub facility: String,
    /// The content that came first.
    pub first: Content,
    /// The content that came last.
    pub newest: Content,
    /// Attributes that say something else, in order of their tags.
    pub lines: Vec<Line>,
    /// Whether more attributes differ than are listed.
    pub is_cut: bool,
}

/// One of several contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// When it came.
    pub received_ms: i64,
    /// Of its Part 10 file.
    pub length_bytes: u64,
    /// Of its data set.
    pub transfer_syntax: Uid,
    /// Whether it is the one that is served.
    pub is_served: bool,
}

/// What an attribute says in both; `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The attribute.
    pub tag: Tag,
    /// In the content that came first.
    pub first: Option<String>,
    /// In the content that came last.
    pub newest: Option<String>,
}

/// Attributes that are listed; nobody reads more to tell two images apart.
const MOST_LINES: usize = 40;
/// As much of a value as is listed, in characters.
const MOST_CHARS: usize = 120;

impl Archive {
    /// How the contents differ that a discrepancy is about. [`Error::NotFound`] out of scope, and for a
    /// discrepancy of another kind.
    pub async fn difference(&self, scope: &Scope, id: DiscrepancyId) -> Result<Difference> {
        let database = &self.0.database;
        let mut values = params![id];
        let mut sql = "select d.kind, d.other, d.facility from discrepancy d where d.id = $1".to_owned();
        push_scope(&mut sql, &mut values, scope, "d.facility");
        let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?.ok_or(Error::NotFound)?;
        if kind(&row)? != Kind::Conflict {
            return Err(Error::NotFound);
        }
        let several = instances::with_versions(database, &row.get::<String>("other")?).await?;
        let served = several.into_iter().next().ok_or(Error::NotFound)?;
        let mut contents = instances::versions_of(database, &served).await?;
        contents.push(served.clone());
        contents.sort_by_key(|content| content.received_ms);
        let (Some(first), Some(newest)) = (contents.first(), contents.last()) else {
            return Err(Error::NotFound);
        };
        // As they were sent: what was corrected lies over both, and would hide what they differ by.
        let (before, after) = (self.parsed(first).await?, self.parsed(newest).await?);
        let (lines, is_cut) = compare(&before.set, &after.set);
        let content = |place: &InstancePlace| Content {
            received_ms: place.received_ms,
            length_bytes: place.place.length_bytes,
            transfer_syntax: place.transfer_syntax.clone(),
            is_served: place.hash == served.hash,
        };
        Ok(Difference {
            facility: row.get("facility")?,
            first: content(first),
            newest: content(newest),
            instance: served.uid,
            lines,
            is_cut,
        })
    }
}

/// The attributes that say something else, and whether there are more of them.
fn compare(first: &DataSet, newest: &DataSet) -> (Vec<Line>, bool) {
    let tags: BTreeSet<Tag> = first.iter().chain(newest.iter()).map(|element| element.tag).collect();
    let mut lines = Vec::new();
    for tag in tags {
        // Pixels are looked at, and how text is encoded says nothing.
        if tag.group() == 0x7FE0 || tag == pacs_core::tags::SPECIFIC_CHARACTER_SET {
            continue;
        }
        let line = Line { tag, first: shown(first, tag), newest: shown(newest, tag) };
        if line.first == line.newest && (line.first.as_deref() != Some(HELD) || is_same(first, newest, tag)) {
            continue;
        }
        if lines.len() == MOST_LINES {
            return (lines, true);
        }
        lines.push(line);
    }
    (lines, false)
}

/// Stands for a value that is no text.
const HELD: &str = "…";

fn shown(set: &DataSet, tag: Tag) -> Option<String> {
    let element = set.get(tag)?;
    let numbers = |numbers: Vec<String>| numbers.join("\\");
    let text = match (&element.value, element.vr) {
        (Value::Bytes(_), VR::US | VR::SS | VR::UL | VR::SL) => {
            numbers(set.ints(tag).iter().map(ToString::to_string).collect())
        }
        (Value::Bytes(_), VR::FL | VR::FD) => {
            numbers(set.floats(tag).iter().map(ToString::to_string).collect())
        }
        (Value::Bytes(_), VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::UN | VR::AT) => HELD.to_owned(),
        (Value::Bytes(_), _) => set.texts(tag).join("\\"),
        _ => HELD.to_owned(),
    };
    Some(text.chars().take(MOST_CHARS).collect())
}

/// Whether two values that are no text are the same, as far as they are held.
fn is_same(first: &DataSet, newest: &DataSet, tag: Tag) -> bool {
    match (first.get(tag).map(|element| &element.value), newest.get(tag).map(|element| &element.value)) {
        (Some(Value::Elsewhere { length: one, .. }), Some(Value::Elsewhere { length: other, .. })) => {
            one == other
        }
        (one, other) => one == other,
    }
}
