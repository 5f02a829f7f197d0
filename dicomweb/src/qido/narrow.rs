//! Sequences of which only some attributes were asked for, by paths such as
//! `RequestAttributesSequence.ScheduledProcedureStepID`.

use pacs_core::Tag;
use pacs_core::dataset::{DataSet, Value};

/// Leaves in the sequences of an answer only what `paths` name. A path of one tag names the whole.
pub fn narrow(answer: &mut DataSet, paths: &[Vec<Tag>]) {
    let mut sequences: Vec<Tag> =
        paths.iter().filter(|path| path.len() > 1).filter_map(|path| path.first().copied()).collect();
    sequences.sort_unstable();
    sequences.dedup();
    for tag in sequences {
        let below: Vec<&[Tag]> = below(paths.iter().map(Vec::as_slice), tag);
        if below.iter().any(|path| path.is_empty()) {
            continue;
        }
        if let Some(Value::Items(items)) = answer.get(tag).map(|element| &element.value) {
            let narrowed = items.iter().map(|item| narrowed(item, &below)).collect();
            answer.put_items(tag, narrowed);
        }
    }
}

/// What paths that begin with `tag` go on with.
fn below<'a>(paths: impl Iterator<Item = &'a [Tag]>, tag: Tag) -> Vec<&'a [Tag]> {
    paths
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| **first == tag)
        .map(|(_, rest)| rest)
        .collect()
}

/// An item with what the paths name.
fn narrowed(item: &DataSet, paths: &[&[Tag]]) -> DataSet {
    let mut narrow = DataSet::like(item);
    for (tag, rest) in paths.iter().filter_map(|path| path.split_first()) {
        match item.get(*tag) {
            Some(element) if rest.is_empty() => narrow.put(element.clone()),
            Some(element) if !narrow.contains(*tag) => {
                if let Value::Items(items) = &element.value {
                    let below = below(paths.iter().copied(), *tag);
                    narrow.put_items(*tag, items.iter().map(|item| narrowed(item, &below)).collect());
                }
            }
            _ => {}
        }
    }
    narrow
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::tags;

    fn answer() -> DataSet {
        let mut code = DataSet::new();
        code.put_text(tags::CODE_VALUE, "P5-09051");
        code.put_text(tags::CODE_MEANING, "MR");
        let mut item = DataSet::new();
        item.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, "S1");
        item.put_text(tags::REQUESTED_PROCEDURE_ID, "R1");
        item.put_items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, vec![code]);
        let mut answer = DataSet::new();
        answer.put_text(tags::MODALITY, "MR");
        answer.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![item]);
        answer
    }

    fn tags_of(answer: &DataSet) -> Vec<Tag> {
        answer.items(tags::REQUEST_ATTRIBUTES_SEQUENCE)[0].iter().map(|element| element.tag).collect()
    }

    #[test]
    fn only_what_the_paths_name_is_left() {
        const SEQUENCE: Tag = tags::REQUEST_ATTRIBUTES_SEQUENCE;
        const CODES: Tag = tags::REQUESTED_PROCEDURE_CODE_SEQUENCE;
        let step = vec![SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID];
        let code = vec![SEQUENCE, CODES, tags::CODE_VALUE];
        let mut one = answer();
        narrow(&mut one, &[vec![tags::MODALITY], step.clone()]);
        assert_eq!(tags_of(&one), [tags::SCHEDULED_PROCEDURE_STEP_ID]);
        assert!(one.contains(tags::MODALITY));

        let mut deep = answer();
        narrow(&mut deep, &[code.clone(), step.clone()]);
        assert_eq!(tags_of(&deep), [CODES, tags::SCHEDULED_PROCEDURE_STEP_ID]);
        let item = &deep.items(SEQUENCE)[0].items(CODES)[0];
        assert!(item.contains(tags::CODE_VALUE) && !item.contains(tags::CODE_MEANING));

        for whole in [vec![SEQUENCE], vec![SEQUENCE, CODES]] {
            let mut set = answer();
            narrow(&mut set, &[step.clone(), code.clone(), whole.clone()]);
            let item = &set.items(SEQUENCE)[0];
            assert!(item.items(CODES)[0].contains(tags::CODE_MEANING), "{whole:?}");
            assert_eq!(item.contains(tags::REQUESTED_PROCEDURE_ID), whole.len() == 1);
        }
    }
}
