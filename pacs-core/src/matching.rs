//! Whether a data set is what a query asks for (PS3.4 C.2.2.2), for what is few enough to be looked at one by one. What
//! there is much of is found by `storage::query`, by the same rules.

use crate::Tag;
use crate::dataset::{DataSet, Value};
use crate::query::{Filter, Matching, Query, matches_wildcards};

/// Whether a data set fulfils all filters of a query. Filters within one sequence have to be fulfilled by one item of
/// it together (PS3.4 C.2.2.2.6).
pub fn fulfils(set: &DataSet, query: &Query) -> bool {
    let filters: Vec<(&[Tag], &Matching)> =
        query.filters.iter().map(|Filter { path, matching }| (path.as_slice(), matching)).collect();
    all(set, &filters, query.fuzzy)
}

fn all(set: &DataSet, filters: &[(&[Tag], &Matching)], fuzzy: bool) -> bool {
    let mut entered: Vec<Tag> = Vec::new();
    filters.iter().all(|(path, matching)| match path {
        [] => true,
        [tag] => value(set, *tag, matching, fuzzy),
        [sequence, ..] if entered.contains(sequence) => true,
        [sequence, ..] => {
            entered.push(*sequence);
            let within: Vec<(&[Tag], &Matching)> = filters
                .iter()
                .filter_map(|(path, matching)| match path.split_first() {
                    Some((first, rest)) if first == sequence && !rest.is_empty() => Some((rest, *matching)),
                    _ => None,
                })
                .collect();
            set.items(*sequence).iter().any(|item| all(item, &within, fuzzy))
        }
    })
}

/// Whether one of the values of an attribute is as wanted.
fn value(set: &DataSet, tag: Tag, wanted: &Matching, fuzzy: bool) -> bool {
    let values = set.texts(tag);
    let any = |fits: &dyn Fn(&str) -> bool| values.iter().any(|value| fits(value.trim()));
    match wanted {
        Matching::Single(text) => any(&|value| equal(value, text)),
        Matching::Wildcard(pattern) => {
            let pattern: Vec<char> = pattern.chars().collect();
            any(&|value| matches_wildcards(&pattern, &value.chars().collect::<Vec<_>>()))
        }
        Matching::Uids(uids) => any(&|value| uids.iter().any(|uid| uid.as_str() == value)),
        Matching::AnyOf(alternatives) => {
            alternatives.iter().any(|matching| self::value(set, tag, matching, fuzzy))
        }
        Matching::Range { from, to } => any(&|value| within(value, from.as_deref(), to.as_deref())),
        Matching::Period { from, to } => {
            let date = |end: &Option<(String, String)>| end.as_ref().map(|(date, _)| date.clone());
            any(&|value| within(value, date(from).as_deref(), date(to).as_deref()))
        }
        Matching::Name(pattern) => any(&|value| pattern.matches(value, fuzzy)),
        Matching::Empty => match set.get(tag).map(|element| &element.value) {
            Some(Value::Items(items)) => items.is_empty(),
            _ => values.is_empty(),
        },
    }
}

/// Equal as texts, or as numbers that are written in two ways.
fn equal(value: &str, wanted: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    value == wanted || matches!((number(value), number(wanted)), (Some(a), Some(b)) if a == b)
}

/// Dates, times and date-times in their normal forms compare as texts; what begins like the upper end lies within it.
fn within(value: &str, from: Option<&str>, to: Option<&str>) -> bool {
    let after = from.is_none_or(|from| value >= from);
    let before = to.is_none_or(|to| value <= to || value.starts_with(to));
    !value.is_empty() && after && before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::vr_of;
    use crate::query::Level;
    use crate::{VR, tags};

    fn protocol() -> DataSet {
        let definition = |modality: &str, laterality: &str| {
            let mut item = DataSet::new();
            item.put_text(tags::MODALITY, modality);
            item.put_text(tags::LATERALITY, laterality);
            item
        };
        let mut set = DataSet::new();
        set.put_text(tags::HANGING_PROTOCOL_NAME, "Nhũ ảnh 4 hình");
        set.put_text(tags::HANGING_PROTOCOL_LEVEL, "SITE");
        set.put_text(tags::HANGING_PROTOCOL_CREATION_DATE_TIME, "20260105083000");
        set.put_text(tags::HANGING_PROTOCOL_CREATOR, "Trần^Bình");
        set.put_text(tags::SOP_INSTANCE_UID, "1.2.3");
        set.put_int(tags::NUMBER_OF_PRIORS_REFERENCED, 1);
        set.put_empty(tags::HANGING_PROTOCOL_USER_GROUP_NAME);
        set.put_items(
            tags::HANGING_PROTOCOL_DEFINITION_SEQUENCE,
            vec![definition("MG", "L"), definition("CT", "R")],
        );
        set
    }

    fn asked(keys: &[(&[Tag], &str)]) -> Query {
        let mut query = Query::new(Level::Instance);
        for (path, text) in keys {
            query.add(path, path.last().map_or(VR::UN, |tag| vr_of(*tag)), text).unwrap();
        }
        query
    }

    #[test]
    fn data_sets_are_matched_by_every_kind_of_key() {
        const DEFINITION: Tag = tags::HANGING_PROTOCOL_DEFINITION_SEQUENCE;
        for (path, text, want) in [
            (&[tags::HANGING_PROTOCOL_NAME][..], "", true),
            (&[tags::HANGING_PROTOCOL_NAME], "Nhũ ảnh 4 hình", true),
            (&[tags::HANGING_PROTOCOL_NAME], "Nhũ ảnh", false),
            (&[tags::HANGING_PROTOCOL_NAME], "*4 h?nh", true),
            (&[tags::HANGING_PROTOCOL_LEVEL], "SITE", true),
            (&[tags::HANGING_PROTOCOL_LEVEL], "MANUFACTURER\\SITE", true),
            (&[tags::HANGING_PROTOCOL_LEVEL], "SINGLE_USER", false),
            (&[tags::HANGING_PROTOCOL_CREATION_DATE_TIME], "20260101-20260131", true),
            (&[tags::HANGING_PROTOCOL_CREATION_DATE_TIME], "-20260105", true),
            (&[tags::HANGING_PROTOCOL_CREATION_DATE_TIME], "20260106-", false),
            (&[tags::SOP_INSTANCE_UID], "1.2\\1.2.3", true),
            (&[tags::SOP_INSTANCE_UID], "1.2", false),
            (&[tags::NUMBER_OF_PRIORS_REFERENCED], "1", true),
            (&[tags::NUMBER_OF_PRIORS_REFERENCED], "2", false),
            (&[tags::HANGING_PROTOCOL_USER_GROUP_NAME], "A", false),
            (&[DEFINITION, tags::MODALITY], "MG", true),
            (&[DEFINITION, tags::MODALITY], "MR", false),
            (&[tags::ANATOMIC_REGION_SEQUENCE, tags::CODE_VALUE], "T-1", false),
        ] {
            assert_eq!(fulfils(&protocol(), &asked(&[(path, text)])), want, "{path:?} {text}");
        }
        let both = |modality, laterality| {
            asked(&[(&[DEFINITION, tags::MODALITY], modality), (&[DEFINITION, tags::LATERALITY], laterality)])
        };
        assert!(fulfils(&protocol(), &both("MG", "L")));
        assert!(!fulfils(&protocol(), &both("MG", "R")), "one item has to fulfil both");
        let mut empty = Query::new(Level::Instance);
        empty.add_empty(&[tags::HANGING_PROTOCOL_USER_GROUP_NAME]);
        assert!(fulfils(&protocol(), &empty));
        empty.add_empty(&[tags::HANGING_PROTOCOL_NAME]);
        assert!(!fulfils(&protocol(), &empty));
    }
}
