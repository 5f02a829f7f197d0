//! A row as a response data set.

use pacs_core::access::Scope;
use pacs_core::attributes::{SERIES_TAGS, STUDY_TAGS};
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, tags};

use super::columns::{COLUMNS, Column, Kind};
use crate::database::Row;
use crate::{Error, Result};

/// What an answer is made of.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    level: Level,
    /// The top-level attributes that are asked for; `None` asks for all.
    wanted: Option<Vec<Tag>>,
    /// The columns that answers are made of, in the order of the select list.
    columns: Vec<&'static Column>,
    /// What is read of the attributes that rows keep whole.
    whole: Whole,
    /// The select list that [`of`] reads.
    pub select: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whole {
    /// Nothing: all that is wanted has columns.
    Nothing,
    /// These attributes, as the keys of DICOM JSON. A text that has none of them need not be taken apart, and most
    /// have none: what is asked for without being in a column is seldom sent.
    Keys(Vec<String>),
    /// Everything.
    All,
}

/// Columns that every select list begins with: the row, and its place in the order.
const PLACE: [&str; 2] = ["t.id", "t.newest_key"];

/// Attributes that identify an answer and are always in it.
const KEYS: [Tag; 4] =
    [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];

/// Attributes of the patient that are counted over their studies.
const OF_PATIENT: [(Tag, &str, &str); 3] = [
    (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, "count(*)", "p_studies"),
    (tags::NUMBER_OF_PATIENT_RELATED_SERIES, "coalesce(sum(n.series_count), 0)", "p_series"),
    (tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, "coalesce(sum(n.instance_count), 0)", "p_instances"),
];

impl Shape {
    /// What the answers to a query below the patient level are made of.
    pub fn of(query: &Query, scope: &Scope) -> Self {
        let wanted = match &query.returns {
            Returns::All => None,
            Returns::Tags(paths) => {
                Some(paths.iter().filter_map(|path| path.first().copied()).collect::<Vec<_>>())
            }
        };
        let in_columns = |tag: &Tag| {
            COLUMNS.iter().any(|column| column.tag == *tag)
                || OF_PATIENT.iter().any(|(counted, ..)| counted == tag)
                || *tag == tags::INSTANCE_AVAILABILITY
                || *tag == tags::SPECIFIC_CHARACTER_SET
        };
        let whole = match &wanted {
            None => Whole::All,
            Some(tags) if tags.iter().all(in_columns) => Whole::Nothing,
            Some(tags) => Whole::Keys(tags.iter().filter(|tag| !in_columns(tag)).map(key).collect()),
        };
        let is_wanted = |tag| wanted.as_ref().is_none_or(|tags| tags.contains(&tag)) || KEYS.contains(&tag);
        let columns: Vec<&Column> =
            COLUMNS.iter().filter(|column| column.level <= query.level && is_wanted(column.tag)).collect();
        let mut select = PLACE.join(", ");
        for column in &columns {
            select.push_str(&format!(", {} as {}", column.sql, column.name));
        }
        if whole != Whole::Nothing {
            select.push_str(", t.attributes as t_attributes");
            if query.level >= Level::Series {
                select.push_str(", s.attributes as s_attributes");
            }
        }
        // Who does not see every facility is told of what the study's own facility has.
        let seen = if *scope == Scope::All { "" } else { " and n.facility = t.facility" };
        for (tag, count, name) in OF_PATIENT {
            if wanted.as_ref().is_some_and(|tags| tags.contains(&tag)) {
                select.push_str(&format!(
                    ", (select cast({count} as bigint) from study n where n.patient_id = t.patient_id and n.instance_count > 0{seen}) as {name}"
                ));
            }
        }
        Self { level: query.level, wanted, columns, whole, select }
    }

    fn wants(&self, tag: Tag) -> bool {
        self.wanted.as_ref().is_none_or(|tags| tags.contains(&tag)) || KEYS.contains(&tag)
    }
}

/// Whether answers at `level` carry this attribute where the objects do.
pub(super) fn holds(tag: Tag, level: Level) -> bool {
    tag == tags::INSTANCE_AVAILABILITY
        || COLUMNS.iter().any(|column| column.tag == tag && column.level <= level)
        || OF_PATIENT.iter().any(|(counted, ..)| *counted == tag)
        || (level >= Level::Study && STUDY_TAGS.contains(&tag))
        || (level >= Level::Series && SERIES_TAGS.contains(&tag))
}

/// The answer that a row is.
pub(super) fn of(row: &Row, shape: &Shape) -> Result<DataSet> {
    let mut answer = start();
    if shape.whole != Whole::Nothing {
        copy(&mut answer, shape, &row.get::<String>("t_attributes")?)?;
        if shape.level >= Level::Series {
            copy(&mut answer, shape, &row.get::<String>("s_attributes")?)?;
        }
    }
    for (column, index) in shape.columns.iter().zip(PLACE.len()..) {
        match column.kind {
            Kind::Number | Kind::Count => put_int(&mut answer, column.tag, row.at(index)?),
            Kind::List => {
                put_text(&mut answer, column.tag, Some(row.at::<String>(index)?.trim_matches('\\')))
            }
            _ => put_text(&mut answer, column.tag, row.at::<Option<String>>(index)?.as_deref()),
        }
    }
    for (tag, _, name) in OF_PATIENT {
        if shape.wanted.as_ref().is_some_and(|tags| tags.contains(&tag)) {
            put_int(&mut answer, tag, row.get(name)?);
        }
    }
    finish(&mut answer, shape.wanted.as_deref());
    Ok(answer)
}

/// An answer without attributes: its text is UTF-8, as that of the rows.
pub(super) fn start() -> DataSet {
    let mut answer = DataSet::new();
    answer.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    answer
}

/// Adds what every answer has, and asked attributes that the rows do not hold as empty ones.
pub(super) fn finish(answer: &mut DataSet, wanted: Option<&[Tag]>) {
    if wanted.is_none_or(|tags| tags.contains(&tags::INSTANCE_AVAILABILITY)) {
        answer.put_text(tags::INSTANCE_AVAILABILITY, "ONLINE");
    }
    for &tag in wanted.unwrap_or_default() {
        if !answer.contains(tag) {
            answer.put_empty(tag);
        }
    }
}

pub(super) fn put_text(answer: &mut DataSet, tag: Tag, text: Option<&str>) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => answer.put_text(tag, text),
        None => answer.put_empty(tag),
    }
}

pub(super) fn put_int(answer: &mut DataSet, tag: Tag, number: Option<i64>) {
    match number {
        Some(number) => answer.put_int(tag, number),
        None => answer.put_empty(tag),
    }
}

/// How DICOM JSON names an attribute.
fn key(tag: &Tag) -> String {
    format!("\"{:04X}{:04X}\"", tag.0, tag.1)
}

/// Copies what is wanted of the attributes that a row keeps whole.
fn copy(answer: &mut DataSet, shape: &Shape, attributes: &str) -> Result<()> {
    if let Whole::Keys(keys) = &shape.whole
        && !keys.iter().any(|key| attributes.contains(key))
    {
        return Ok(());
    }
    let sets = json::parse(attributes.as_bytes(), &JsonLimits::default())
        .map_err(|error| Error::Corrupt(format!("a row's attributes: {error}")))?;
    for element in sets.iter().flatten() {
        if element.tag != tags::SPECIFIC_CHARACTER_SET && shape.wants(element.tag) {
            answer.put(element.clone());
        }
    }
    Ok(())
}
