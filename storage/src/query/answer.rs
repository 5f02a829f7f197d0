//! A row as a response data set.

use pacs_core::access::Scope;
use pacs_core::attributes::{SERIES_TAGS, STUDY_TAGS};
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, tags};

use super::columns::{COLUMNS, Kind, select_list};
use crate::database::Row;
use crate::{Error, Result};

/// What an answer is made of.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    level: Level,
    /// The top-level attributes that are asked for; `None` asks for all.
    wanted: Option<Vec<Tag>>,
    /// Whether the rows' whole study and series attributes are needed.
    whole: bool,
    /// The select list that [`of`] reads.
    pub select: String,
}

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
        let whole = wanted.as_ref().is_none_or(|tags| !tags.iter().all(in_columns));
        let mut select = format!("t.id, t.newest_key, {}", select_list(query.level));
        if whole {
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
        Self { level: query.level, wanted, whole, select }
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
    if shape.whole {
        copy(&mut answer, shape, &row.get::<String>("t_attributes")?)?;
        if shape.level >= Level::Series {
            copy(&mut answer, shape, &row.get::<String>("s_attributes")?)?;
        }
    }
    for column in COLUMNS.iter().filter(|column| column.level <= shape.level && shape.wants(column.tag)) {
        match column.kind {
            Kind::Number | Kind::Count => put_int(&mut answer, column.tag, row.get(column.name)?),
            Kind::List => {
                put_text(&mut answer, column.tag, Some(row.get::<String>(column.name)?.trim_matches('\\')))
            }
            _ => put_text(&mut answer, column.tag, row.get::<Option<String>>(column.name)?.as_deref()),
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

/// Copies what is wanted of the attributes that a row keeps whole.
fn copy(answer: &mut DataSet, shape: &Shape, attributes: &str) -> Result<()> {
    let sets = json::parse(attributes.as_bytes(), &JsonLimits::default())
        .map_err(|error| Error::Corrupt(format!("a row's attributes: {error}")))?;
    for element in sets.iter().flatten() {
        if element.tag != tags::SPECIFIC_CHARACTER_SET && shape.wants(element.tag) {
            answer.put(element.clone());
        }
    }
    Ok(())
}
