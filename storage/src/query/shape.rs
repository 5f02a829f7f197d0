//! What the answers to a query are made of, and the select list that reads it.

use std::ops::Range;

use pacs_core::access::Scope;
use pacs_core::attributes::{NOT_IN_OLD_ROWS, PATIENT_TAGS, SERIES_TAGS, STUDY_TAGS};
use pacs_core::dataset::vr_of;
use pacs_core::json::Head;
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, tags};

use super::columns::{COLUMNS, Kind};
use super::numbers;
use super::stop::Columns;
use crate::database::Engine;
use crate::dialect;

/// An attribute that answers have.
#[derive(Debug)]
pub struct Field {
    /// Which.
    pub tag: Tag,
    /// How its JSON begins.
    pub head: Head,
    pub(super) source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// A column of text or of a number, by its place in the row.
    Column(usize),
    /// A column of a `\list\`.
    List(usize),
    /// It is the same in every answer.
    Always(&'static str),
    /// The attributes that rows keep whole, or the header of the instance, if anything.
    Whole,
}

/// What the answers to a query are made of.
#[derive(Debug)]
pub(super) struct Shape {
    pub level: Level,
    /// The top-level attributes that are asked for; `None` asks for all.
    wanted: Option<Vec<Tag>>,
    /// The attributes of every answer, in the order of their tags.
    pub fields: Vec<Field>,
    /// What is read of the attributes that rows keep whole.
    whole: Whole,
    /// Where they stand in a row.
    pub whole_at: Range<usize>,
    /// The column of the patient's other numbers, where they are asked for.
    pub others_at: Option<usize>,
    /// The column that says whether the issuer is still the one of whom the images' qualifiers tell, where those are
    /// asked for.
    pub is_own_issuer_at: Option<usize>,
    /// The columns of the rows.
    pub columns: Columns,
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

impl Whole {
    /// A column of whole attributes, or nothing where it has none of those that are wanted: it need not be handed over.
    fn column(&self, engine: Engine, column: &str) -> String {
        let Self::Keys(keys) = self else { return column.to_owned() };
        let has: Vec<String> =
            keys.iter().map(|key| dialect::contains(engine, column, &format!("'{key}'"))).collect();
        format!("case when {} then {column} else '' end", has.join(" or "))
    }
}

/// Attributes that identify an answer and are always in it.
const KEYS: [Tag; 4] =
    [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];

/// Attributes of the patient that are counted over their studies.
const OF_PATIENT: [(Tag, &str); 3] = [
    (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, "count(*)"),
    (tags::NUMBER_OF_PATIENT_RELATED_SERIES, "coalesce(sum(n.series_count), 0)"),
    (tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, "coalesce(sum(n.instance_count), 0)"),
];

impl Shape {
    /// What the answers to a query below the patient level are made of.
    pub fn of(query: &Query, scope: &Scope, engine: Engine) -> Self {
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
        let is_looked_for = |tag: &&Tag| !in_columns(tag) && is_kept_whole(**tag, query.level);
        let whole = match &wanted {
            None => Whole::All,
            Some(tags) => match tags.iter().filter(is_looked_for).map(key).collect::<Vec<_>>() {
                keys if keys.is_empty() => Whole::Nothing,
                keys => Whole::Keys(keys),
            },
        };
        let is_wanted = |tag| wanted.as_ref().is_none_or(|tags| tags.contains(&tag)) || KEYS.contains(&tag);
        let Columns { values: mut columns, mut json } = Columns::of_place(query.level);
        let mut sources = vec![(tags::SPECIFIC_CHARACTER_SET, Source::Always("ISO_IR 192"))];
        for column in COLUMNS.iter().filter(|column| column.level <= query.level && is_wanted(column.tag)) {
            let source = if column.kind == Kind::List { Source::List } else { Source::Column };
            sources.push((column.tag, source(columns.len())));
            columns.push(column.sql.to_owned());
        }
        // Who does not see every facility is told of what the study's own facility has.
        let seen = if *scope == Scope::All { "" } else { " and n.facility = t.facility" };
        for (tag, count) in OF_PATIENT {
            if wanted.as_ref().is_some_and(|tags| tags.contains(&tag)) {
                sources.push((tag, Source::Column(columns.len())));
                columns.push(format!(
                    "(select cast({count} as bigint) from study n where n.patient_id = t.patient_id and n.instance_count > 0{seen})"
                ));
            }
        }
        if whole != Whole::Nothing {
            json.push(whole.column(engine, "t.attributes"));
            if query.level >= Level::Series {
                json.push(whole.column(engine, "s.attributes"));
            }
        }
        let tells = |tag| wanted.as_ref().is_none_or(|tags| tags.contains(&tag));
        let others_at = tells(tags::OTHER_PATIENT_I_DS_SEQUENCE).then_some(columns.len());
        if others_at.is_some() {
            columns.push(numbers::others("t.patient_id"));
        }
        let is_own_issuer_at = tells(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE).then_some(columns.len());
        if is_own_issuer_at.is_some() {
            columns.push(format!("case when t.patient_issuer = {} then 1 else 0 end", numbers::ISSUER));
        }
        if wanted.as_ref().is_none_or(|tags| tags.contains(&tags::INSTANCE_AVAILABILITY)) {
            sources.push((tags::INSTANCE_AVAILABILITY, Source::Always("ONLINE")));
        }
        for &tag in wanted.iter().flatten() {
            if !sources.iter().any(|(other, _)| *other == tag) {
                sources.push((tag, Source::Whole));
            }
        }
        let whole_at = columns.len()..columns.len() + json.len();
        sources.sort_unstable_by_key(|(tag, _)| *tag);
        let field = |(tag, source)| Field { tag, head: Head::of(tag, vr_of(tag)), source };
        let fields = sources.into_iter().map(field).collect();
        Self {
            level: query.level,
            wanted,
            fields,
            whole,
            whole_at,
            others_at,
            is_own_issuer_at,
            columns: Columns { values: columns, json },
        }
    }

    /// Whether a row's whole attributes have any that is wanted and is not in a column.
    pub fn has_wanted(&self, attributes: &str) -> bool {
        match &self.whole {
            Whole::Nothing => false,
            Whole::Keys(keys) => keys.iter().any(|key| attributes.contains(key)),
            Whole::All => true,
        }
    }

    pub fn wants(&self, tag: Tag) -> bool {
        self.wanted.as_ref().is_none_or(|tags| tags.contains(&tag)) || KEYS.contains(&tag)
    }
}

/// What a query may ask for and no object says. Answers have the availability of their own, and nothing lies on media
/// (PS3.4 C.4.1.1.3.2); here the other two are without a value: each door puts in what it knows, that of DICOM its AE
/// title, that of the web a URL.
const OF_ANSWERS: [Tag; 5] = [
    tags::INSTANCE_AVAILABILITY,
    tags::RETRIEVE_AE_TITLE,
    tags::RETRIEVE_URL,
    tags::STORAGE_MEDIA_FILE_SET_ID,
    tags::STORAGE_MEDIA_FILE_SET_UID,
];

/// The group of pixel data, which no answer holds.
const PIXELS: u16 = 0x7FE0;

/// Whether answers at `level` carry this attribute where the objects do.
pub(super) fn holds(tag: Tag, level: Level) -> bool {
    let is_of_answers = OF_ANSWERS.contains(&tag) && tag != tags::RETRIEVE_URL;
    is_of_answers || is_in_rows(tag, level) || is_of_header(tag, level)
}

fn is_in_rows(tag: Tag, level: Level) -> bool {
    tag == tags::OTHER_PATIENT_I_DS_SEQUENCE
        || COLUMNS.iter().any(|column| column.tag == tag && column.level <= level)
        || OF_PATIENT.iter().any(|(counted, ..)| *counted == tag)
        || PATIENT_TAGS.contains(&tag)
        || is_kept_whole(tag, level)
}

fn is_kept_whole(tag: Tag, level: Level) -> bool {
    (level >= Level::Study && STUDY_TAGS.contains(&tag))
        || (level >= Level::Series && SERIES_TAGS.contains(&tag))
}

/// Whether answers at `level` take an attribute from the header of the instance: what no row holds, or none of before.
/// Private ones mean nothing without the creator of their block, which is another in each maker's objects (PS3.5 7.8.1).
pub fn is_of_header(tag: Tag, level: Level) -> bool {
    let is_private = tag.0 % 2 == 1;
    let is_apart = is_private || tag.0 == PIXELS || OF_ANSWERS.contains(&tag);
    let may_miss = !is_in_rows(tag, level) || NOT_IN_OLD_ROWS.contains(&tag);
    level == Level::Instance && !is_apart && may_miss
}

/// What answers to a query take from headers.
pub(super) fn of_header(query: &Query) -> Vec<Tag> {
    let Returns::Tags(paths) = &query.returns else { return Vec::new() };
    let asked = paths.iter().filter_map(|path| path.first().copied());
    asked.filter(|tag| is_of_header(*tag, query.level)).collect()
}

/// How DICOM JSON names an attribute.
fn key(tag: &Tag) -> String {
    format!("\"{:04X}{:04X}\"", tag.0, tag.1)
}
