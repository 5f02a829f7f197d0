//! Which attribute is which column.

use pacs_core::query::Level;
use pacs_core::{Tag, tags};

use super::numbers;

/// How a column is matched and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Uid,
    Date,
    /// A date with the column of the time beside it.
    Day(&'static str),
    Time,
    Number,
    /// A person name with the column of its folded text.
    Name(&'static str),
    /// A `\list\` of values, any of which may match.
    List,
    /// A count that answers carry and that is not matched.
    Count,
}

/// An attribute that rows hold in a column of their own.
#[derive(Debug)]
pub(crate) struct Column {
    pub tag: Tag,
    pub level: Level,
    /// Column of `study t`, `series s` or `instance i`, or what is looked up by one.
    pub sql: &'static str,
    pub kind: Kind,
}

const fn column(level: Level, tag: Tag, sql: &'static str, kind: Kind) -> Column {
    Column { tag, level, sql, kind }
}

/// Everything that is matched and answered from columns below the patient level. Patient attributes
/// of studies are the study's own, as it was made, but for whose it is (`numbers`); those of the patient
/// level are in `patients`.
pub(super) const COLUMNS: &[Column] = &[
    column(Level::Patient, tags::PATIENT_NAME, "t.patient_name", Kind::Name("t.folded_name")),
    column(Level::Patient, tags::PATIENT_ID, numbers::IDENTIFIER, Kind::Text),
    column(Level::Patient, tags::ISSUER_OF_PATIENT_ID, numbers::ISSUER, Kind::Text),
    column(Level::Patient, tags::PATIENT_BIRTH_DATE, "t.birth_date", Kind::Date),
    column(Level::Patient, tags::PATIENT_SEX, "t.sex", Kind::Text),
    column(Level::Study, tags::STUDY_INSTANCE_UID, "t.uid", Kind::Uid),
    column(Level::Study, tags::STUDY_DATE, "t.study_date", Kind::Day("t.study_time")),
    column(Level::Study, tags::STUDY_TIME, "t.study_time", Kind::Time),
    column(Level::Study, tags::ACCESSION_NUMBER, "t.accession_number", Kind::Text),
    column(Level::Study, tags::STUDY_ID, "t.study_id", Kind::Text),
    column(Level::Study, tags::STUDY_DESCRIPTION, "t.description", Kind::Text),
    column(
        Level::Study,
        tags::REFERRING_PHYSICIAN_NAME,
        "t.referring_physician",
        Kind::Name("t.folded_referrer"),
    ),
    column(Level::Study, tags::MODALITIES_IN_STUDY, "t.modalities", Kind::List),
    column(Level::Study, tags::SOP_CLASSES_IN_STUDY, "t.sop_classes", Kind::List),
    column(Level::Study, tags::NUMBER_OF_STUDY_RELATED_SERIES, "t.series_count", Kind::Count),
    column(Level::Study, tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "t.instance_count", Kind::Count),
    column(Level::Series, tags::SERIES_INSTANCE_UID, "s.uid", Kind::Uid),
    column(Level::Series, tags::MODALITY, "s.modality", Kind::Text),
    column(Level::Series, tags::SERIES_NUMBER, "s.number", Kind::Number),
    column(Level::Series, tags::SERIES_DESCRIPTION, "s.description", Kind::Text),
    column(Level::Series, tags::BODY_PART_EXAMINED, "s.body_part", Kind::Text),
    column(Level::Series, tags::LATERALITY, "s.laterality", Kind::Text),
    column(Level::Series, tags::SERIES_DATE, "s.series_date", Kind::Day("s.series_time")),
    column(Level::Series, tags::SERIES_TIME, "s.series_time", Kind::Time),
    column(Level::Series, tags::STATION_NAME, "s.station_name", Kind::Text),
    column(Level::Series, tags::PROTOCOL_NAME, "s.protocol_name", Kind::Text),
    column(
        Level::Series,
        tags::PERFORMED_PROCEDURE_STEP_START_DATE,
        "s.performed_date",
        Kind::Day("s.performed_time"),
    ),
    column(Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_TIME, "s.performed_time", Kind::Time),
    column(Level::Series, tags::NUMBER_OF_SERIES_RELATED_INSTANCES, "s.instance_count", Kind::Count),
    column(Level::Instance, tags::SOP_INSTANCE_UID, "i.uid", Kind::Uid),
    column(Level::Instance, tags::SOP_CLASS_UID, "i.class", Kind::Uid),
    column(Level::Instance, tags::INSTANCE_NUMBER, "i.number", Kind::Number),
    column(Level::Instance, tags::ROWS, "i.pixel_rows", Kind::Number),
    column(Level::Instance, tags::COLUMNS, "i.pixel_columns", Kind::Number),
    column(Level::Instance, tags::BITS_ALLOCATED, "i.bits_allocated", Kind::Number),
    column(Level::Instance, tags::NUMBER_OF_FRAMES, "i.frames", Kind::Number),
    column(Level::Instance, tags::AVAILABLE_TRANSFER_SYNTAX_UID, "i.transfer_syntax", Kind::Uid),
];

/// What is matched of the items of Request Attributes Sequence, and answered from the rows' whole attributes.
const OF_REQUEST: &[Column] = &[
    column(Level::Series, tags::SCHEDULED_PROCEDURE_STEP_ID, "s.requested_step", Kind::Text),
    column(Level::Series, tags::REQUESTED_PROCEDURE_ID, "s.requested_procedure", Kind::Text),
];

/// The paths of all attributes that are matched in a query at `level`.
pub(super) fn matched(level: Level) -> Vec<Vec<Tag>> {
    let alone = COLUMNS.iter().map(|column| vec![column.tag]);
    let of_request = OF_REQUEST.iter().map(|column| vec![tags::REQUEST_ATTRIBUTES_SEQUENCE, column.tag]);
    alone.chain(of_request).filter(|path| matched_by(path, level).is_some()).collect()
}

/// The column that a filter on `path` means, with its level.
pub(super) fn matched_by(path: &[Tag], level: Level) -> Option<&'static Column> {
    let found = match path {
        // Asking for the modality of a study means one of its series'.
        [tags::MODALITY] if level == Level::Study => by_tag(tags::MODALITIES_IN_STUDY),
        [tag] => by_tag(*tag),
        [tags::REQUEST_ATTRIBUTES_SEQUENCE, tag] => OF_REQUEST.iter().find(|column| column.tag == *tag),
        _ => None,
    };
    found.filter(|column| column.level <= level && column.kind != Kind::Count)
}

fn by_tag(tag: Tag) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.tag == tag)
}
