//! Names of physicians as keys of a worklist query. An order has them as they were given, without a folded text that
//! rows could be found by: the steps that match by everything else are looked at one by one.

use pacs_core::query::{Matching, Query};
use pacs_core::{Tag, tags};

use super::steps::SPS;
use crate::exams::Exam;

/// The keys, at the top and of the step.
pub(super) const KEYS: [&[Tag]; 4] = [
    &[tags::REFERRING_PHYSICIAN_NAME],
    &[tags::PERFORMING_PHYSICIAN_NAME],
    &[tags::REQUESTING_PHYSICIAN],
    &[SPS, tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME],
];

/// Whether a key is one of them.
pub(super) fn is_key(path: &[Tag]) -> bool {
    KEYS.contains(&path)
}

/// Whether a step has the names that a query asks for.
pub(super) fn match_step(query: &Query, exam: &Exam) -> bool {
    let mut asked = query.filters.iter().filter(|filter| is_key(&filter.path));
    asked.all(|filter| matches(&filter.matching, name_of(&filter.path, exam), query.fuzzy))
}

/// Nobody says beforehand who is to perform a step.
fn name_of<'a>(path: &[Tag], exam: &'a Exam) -> &'a str {
    match path {
        [tags::REFERRING_PHYSICIAN_NAME | tags::REQUESTING_PHYSICIAN] => {
            exam.referring_physician.as_deref().unwrap_or_default()
        }
        _ => "",
    }
}

fn matches(matching: &Matching, name: &str, fuzzy: bool) -> bool {
    match matching {
        Matching::Name(pattern) => pattern.matches(name, fuzzy),
        Matching::AnyOf(alternatives) => alternatives.iter().any(|one| matches(one, name, fuzzy)),
        Matching::Single(whole) => name == whole,
        Matching::Empty => name.is_empty(),
        _ => false,
    }
}
