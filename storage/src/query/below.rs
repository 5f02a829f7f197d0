//! Filters on series and instances, said of their study.

use pacs_core::query::{Level, Matching, Query};
use pacs_core::tags;

use super::columns::matched_by;
use super::condition::Conditions;
use super::walk;

/// Says filters below the study as one of the study: that something below it fulfils them. Answers whether there are
/// any but those that are said of the study already. The offset keeps PostgreSQL from joining all series beforehand,
/// which a limit alone would not; SQLite takes an offset only behind a limit.
pub(super) fn push(conditions: &mut Conditions, query: &Query) -> bool {
    let says_more = |level: Level| {
        query.filters.iter().any(|filter| match matched_by(&filter.path, query.level) {
            Some(column) if column.level == level => {
                column.tag != tags::MODALITY
                    || !matches!(filter.matching, Matching::Single(_) | Matching::AnyOf(_))
            }
            _ => false,
        })
    };
    let (of_series, of_instances) = (says_more(Level::Series), says_more(Level::Instance));
    if !of_series && !of_instances {
        return false;
    }
    let mut below = |level: Level| {
        let before = conditions.text.len();
        walk::filter(conditions, query, level);
        conditions.text.split_off(before)
    };
    let mut series = vec!["s.study_id = t.id".to_owned()];
    series.extend(below(Level::Series));
    if of_instances {
        let mut instances = vec!["i.series_id = s.id".to_owned()];
        instances.extend(below(Level::Instance));
        let instances = instances.join(" and ");
        series.push(format!("exists (select 1 from instance i where {instances} limit 1 offset 0)"));
    }
    let series = series.join(" and ");
    conditions.push(format!("exists (select 1 from series s where {series} limit 1 offset 0)"));
    true
}
