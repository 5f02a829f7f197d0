//! What the attributes of a performed step have to be (PS3.4 table F.7.2-1).

use crate::dataset::{DataSet, keyword_of};
use crate::{Tag, date_time, tags};

use super::State;

/// Why a request is refused. Names attributes, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An attribute that has to be there is not.
    #[error("{} is missing", name(*.0))]
    Missing(Tag),
    /// An attribute that has to have a value has none.
    #[error("{} has no value", name(*.0))]
    NoValue(Tag),
    /// A value that the attribute cannot have.
    #[error("{} has a value that it cannot have", name(*.0))]
    BadValue(Tag),
    /// A sequence of more items than a step may have.
    #[error("{} has more items than a step may have", name(*.0))]
    TooMany(Tag),
    /// An attribute that may not be changed.
    #[error("{} may not be changed", name(*.0))]
    NotAllowed(Tag),
    /// The step is in a final state.
    #[error("Performed Procedure Step Object may no longer be updated")]
    Final,
}

/// The most worklist entries that a step works for, and the most series that it makes. Each is looked up and written by
/// itself.
const MOST_ITEMS: [(Tag, usize); 2] =
    [(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, 64), (tags::PERFORMED_SERIES_SEQUENCE, 1000)];

/// An attribute as an answer names it.
fn name(tag: Tag) -> String {
    keyword_of(tag).map_or_else(|| tag.to_string(), str::to_owned)
}

/// Refuses a set in which one of these attributes has no value (type 1).
pub(super) fn need(set: &DataSet, needed: &[Tag]) -> Result<(), Refusal> {
    for tag in needed {
        match set.get(*tag) {
            None => return Err(Refusal::Missing(*tag)),
            // Blanks alone are no value either.
            Some(_) if set.text(*tag).is_none() && set.items(*tag).is_empty() => {
                return Err(Refusal::NoValue(*tag));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Refuses values that an attribute cannot have, wherever it is set.
pub(super) fn check_values(set: &DataSet) -> Result<(), Refusal> {
    if let Some((tag, _)) = MOST_ITEMS.into_iter().find(|(tag, most)| set.items(*tag).len() > *most) {
        return Err(Refusal::TooMany(tag));
    }
    let bad = |tag| Err(Refusal::BadValue(tag));
    for tag in [tags::PERFORMED_PROCEDURE_STEP_START_DATE, tags::PERFORMED_PROCEDURE_STEP_END_DATE] {
        if set.text(tag).is_some_and(|value| date_time::date(&value).is_none()) {
            return bad(tag);
        }
    }
    for tag in [tags::PERFORMED_PROCEDURE_STEP_START_TIME, tags::PERFORMED_PROCEDURE_STEP_END_TIME] {
        if set.text(tag).is_some_and(|value| date_time::time(&value).is_none()) {
            return bad(tag);
        }
    }
    let status = set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS);
    if status.is_some_and(|status| State::parse(&status).is_none()) {
        return bad(tags::PERFORMED_PROCEDURE_STEP_STATUS);
    }
    for series in set.items(tags::PERFORMED_SERIES_SEQUENCE) {
        need(series, &[tags::SERIES_INSTANCE_UID])?;
        if matches!(series.uid(tags::SERIES_INSTANCE_UID), Some(Err(_))) {
            return bad(tags::SERIES_INSTANCE_UID);
        }
    }
    Ok(())
}
