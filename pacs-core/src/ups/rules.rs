//! What the attributes of a step have to be, whoever sets them (PS3.4 table CC.2.5-3).

use crate::Tag;
use crate::dataset::{DataSet, keyword_of};
use crate::date_time;
use crate::tags;

/// Why a data set is refused. Names attributes, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An attribute that has to have a value is not there.
    #[error("{} has to have a value", name(*.0))]
    Missing(Tag),
    /// An attribute that has to have a value is there without one.
    #[error("{} has to have a value", name(*.0))]
    NoValue(Tag),
    /// A value that is none of those that the attribute can have.
    #[error("{} does not have one of the values that it can have", name(*.0))]
    BadValue(Tag),
    /// An attribute that nobody may set here.
    #[error("{} cannot be set by this request", name(*.0))]
    NotAllowed(Tag),
    /// An attribute that has to be without a value at first.
    #[error("{} has to be empty when a step is created", name(*.0))]
    NotEmpty(Tag),
    /// Procedure Step State of a step to be created (0xC309).
    #[error("ProcedureStepState has to be SCHEDULED when a step is created")]
    NotScheduled,
}

/// An attribute as an answer names it.
fn name(tag: Tag) -> String {
    keyword_of(tag).map_or_else(|| tag.to_string(), str::to_owned)
}

/// What everything that is set has to be.
pub(super) const ENUMERATED: [(Tag, &[&str]); 2] = [
    (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, &["HIGH", "MEDIUM", "LOW"]),
    (tags::INPUT_READINESS_STATE, &["INCOMPLETE", "UNAVAILABLE", "READY"]),
];

/// Times that have to be ones.
pub(super) const TIMES: [Tag; 3] = [
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME,
    tags::EXPECTED_COMPLETION_DATE_TIME,
    tags::SCHEDULED_PROCEDURE_STEP_EXPIRATION_DATE_TIME,
];

/// Attributes that always have a value, once the step is there.
pub(super) const ALWAYS: [Tag; 4] = [
    tags::SCHEDULED_PROCEDURE_STEP_PRIORITY,
    tags::PROCEDURE_STEP_LABEL,
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME,
    tags::INPUT_READINESS_STATE,
];

/// Whether the attribute is there and has a value.
pub(super) fn has_value(set: &DataSet, tag: Tag) -> bool {
    set.get(tag).is_some_and(|element| !element.is_empty())
}

/// Refuses a set in which the attribute has no value.
pub(super) fn require(set: &DataSet, tag: Tag) -> Result<(), Refusal> {
    match set.contains(tag) {
        _ if has_value(set, tag) => Ok(()),
        true => Err(Refusal::NoValue(tag)),
        false => Err(Refusal::Missing(tag)),
    }
}

/// Refuses values that an attribute cannot have.
pub(super) fn check_values(set: &DataSet) -> Result<(), Refusal> {
    for (tag, values) in ENUMERATED {
        if let Some(value) = set.text(tag)
            && !values.contains(&value.as_str())
        {
            return Err(Refusal::BadValue(tag));
        }
    }
    for tag in TIMES {
        if let Some(value) = set.text(tag)
            && date_time::span(&value).is_none()
        {
            return Err(Refusal::BadValue(tag));
        }
    }
    Ok(())
}
